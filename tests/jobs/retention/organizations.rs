use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{TestApp, service};
use retention::{Request, State, run};
use serde_json::json;
use shared::{
    config::Config,
    domain::clock::{Clock, FrozenClock},
    lambda::job::Deadline,
};

use super::{clean, counts, dry_run, job, settings, state, text, total};

/// The time between the deletion of an organization and its purge.
const PERIOD: TimeDelta = TimeDelta::days(30);

/// Counts the rows of each table that belongs to organizations.
const ROWS: &str = "SELECT (SELECT count(*) FROM organizations WHERE personal_to IS NULL) || ' ' ||
    (SELECT count(*) FROM members m JOIN organizations o ON o.id = m.organization_id WHERE o.personal_to IS NULL) || ' ' ||
    (SELECT count(*) FROM invitations) || ' ' || (SELECT count(*) FROM api_keys)";

#[tokio::test]
async fn deleted_organization_is_purged_after_exactly_30_days() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let new = json!({ "name": "Canary Engines", "slug": "canary-engines" });
    let made = ada.client.post("/v1/organizations", new.clone()).await.ok(201);
    let team = format!("/v1/organizations/{}", made.id());
    ada.add(&team, &bob, "admin").await;
    ada.create_key(&team, &["members:read"]).await;
    let alive = ada.create_organization("Alive").await;
    let conversation = ada.client.post(&format!("{alive}/conversations"), json!({})).await.ok(201);
    ada.client.delete(&team).await.ok(200);
    app.database.execute("UPDATE invitations SET expires_at = expires_at + interval '1 year'").await;
    assert_eq!(text(&app, ROWS).await, "2 3 1 1");

    app.clock.advance(PERIOD - TimeDelta::seconds(1));
    assert_eq!(counts(&clean(&app).await, "organizations"), (0, 0));
    assert_eq!(text(&app, ROWS).await, "2 3 1 1");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(counts(&dry_run(&app).await, "organizations"), (1, 0));
    assert_eq!(text(&app, ROWS).await, "2 3 1 1");
    let report = clean(&app).await;
    assert_eq!((counts(&report, "organizations"), report.complete), ((1, 0), true));
    assert_eq!(text(&app, ROWS).await, "1 1 0 0");

    assert!(!harness::all_rows(&app).await.to_lowercase().contains("canary"));
    let event = format!(
        "SELECT coalesce(actor_id::text, 'nobody') || ' ' || request_id || ' ' || (target_id = organization_id)
         FROM audit_events WHERE action = 'organization.purged' AND target_id = '{}'",
        made.id()
    );
    assert_eq!(text(&app, &event).await, "nobody the-run true");
    let ada = ada.sign_in_again().await;
    ada.client.get(&alive).await.ok(200);
    ada.client.get(&format!("{alive}/conversations/{}", conversation.id())).await.ok(200);
    ada.client.post("/v1/organizations", new).await.ok(201);
    assert_eq!(total(&clean(&app).await), 0);
}

#[tokio::test]
async fn legal_hold_on_a_user_of_the_organization_stops_its_purge() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    for relation in ["a member", "an invited user", "the creator of a key"] {
        let user = app.verified_person("Bob").await;
        let team = ada.create_organization(relation).await;
        if relation == "an invited user" {
            ada.invite(&team, &user.email, "member").await;
        } else {
            ada.add(&team, &user, "admin").await;
        }
        if relation == "the creator of a key" {
            user.create_key(&team, &["members:read"]).await;
            ada.client.delete(&format!("{team}/members/{}", user.id)).await.ok(204);
        }
        ada.client.delete(&team).await.ok(200);
        let hold = json!({ "reason": "case 12/34" });
        grace.client.post(&format!("/v1/users/{}/legal-hold", user.id), hold).await.ok(200);
    }
    let other = ada.create_organization("Other").await;
    ada.create_everything(&other).await;
    // What a user under a hold has in another organization keeps only that one.
    let zoe = app.verified_person("Zoe").await;
    let elsewhere = zoe.create_organization("Elsewhere").await;
    zoe.create_everything(&elsewhere).await;
    app.database
        .execute(
            "INSERT INTO message_sources (id, organization_id, message_id, n, chunk_id, artifact_name)
             SELECT gen_random_uuid(), organization_id, id, 1, gen_random_uuid(), 'Handbook.pdf' FROM messages",
        )
        .await;
    let hold = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", zoe.id), hold).await.ok(200);
    ada.client.delete(&other).await.ok(200);
    app.clock.advance(PERIOD);

    assert_eq!(counts(&dry_run(&app).await, "organizations"), (1, 3));
    let report = clean(&app).await;
    let cleaned = report.tables.iter().find(|cleaned| cleaned.table == "organizations").expect("the table");
    assert_eq!((cleaned.removed, cleaned.held, cleaned.held_because), (1, 3, Some("legal hold")));
    assert!(report.complete, "held rows are not unfinished work");

    app.database.execute("UPDATE users SET legal_hold_at = NULL, legal_hold_reason = NULL").await;
    assert_eq!(counts(&clean(&app).await, "organizations"), (3, 0));
}

#[tokio::test]
async fn account_deleted_at_the_same_moment_keeps_no_organization_of_others() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.verified_person("Ada").await, app.verified_person("Zoe").await);
    let grace = app.administrator("Grace").await;
    let team = ada.create_organization("Engines").await;
    zoe.create_organization("Looms").await;
    ada.client.delete(&team).await.ok(200);
    zoe.client.delete("/v1/auth/me").await.ok(204);
    let hold = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", zoe.id), hold).await.ok(200);
    app.clock.advance(PERIOD);

    assert_eq!(counts(&dry_run(&app).await, "organizations"), (1, 0));
    let mut other = app.database.pool().begin().await.expect("a transaction");
    let lock = sqlx::query("SELECT 1 FROM organizations WHERE name = 'Engines' FOR UPDATE");
    lock.execute(&mut *other).await.expect("the lock");
    let report = clean(&app).await;
    assert_eq!((counts(&report, "organizations"), report.complete), ((0, 0), false), "it is locked");
    other.rollback().await.expect("the end of the transaction");
    assert_eq!(counts(&clean(&app).await, "organizations"), (1, 0));
    let left = "SELECT string_agg(name, ' ') FROM organizations WHERE personal_to IS NULL";
    assert_eq!(text(&app, left).await, "Looms");
}

#[tokio::test]
async fn organization_deleted_with_an_account_stays_as_long_as_the_account_can_be_restored() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Engines").await;
    ada.client.delete("/v1/auth/me").await.ok(204);
    let hold = json!({ "reason": "case 12/34" });
    let user = format!("/v1/users/{}", ada.id);
    grace.client.post(&format!("{user}/legal-hold"), hold).await.ok(200);
    app.clock.advance(PERIOD);
    assert_eq!(counts(&clean(&app).await, "organizations"), (0, 0));
    let grace = grace.sign_in_again().await;
    grace.client.post_nothing(&format!("{user}/restore")).await.ok(200);
    ada.sign_in_again().await.client.get(&team).await.ok(200);

    grace.client.delete(&user).await.ok(204);
    grace.client.delete(&format!("{user}/legal-hold")).await.ok(200);
    app.clock.advance(PERIOD);
    let report = clean(&app).await;
    assert_eq!((counts(&report, "organizations"), counts(&report, "users")), ((0, 0), (1, 0)));
    assert_eq!(text(&app, ROWS).await, "0 0 0 0");
}

#[tokio::test]
async fn organization_restored_during_a_run_is_purged_completely_or_not_at_all() {
    let app = TestApp::with(&[("DB_POOL_MAX", "16"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let ada = app.verified_person("Ada").await;
    let mut teams = Vec::new();
    for _ in 0..16 {
        let team = ada.create_organization("Engines").await;
        ada.create_key(&team, &["members:read"]).await;
        ada.client.delete(&team).await.ok(200);
        teams.push(team);
    }
    app.clock.advance(PERIOD - TimeDelta::milliseconds(1));
    let ada = ada.sign_in_again().await;
    // Its clock is a millisecond later, so that the run may purge what a request may restore.
    let settings = settings(&app, &service("ERASURE_BUCKET"));
    let config = Config::from_lookup(|name| settings.get(name).cloned(), retention::REQUIRED);
    let clock = FrozenClock::at(app.clock.now() + TimeDelta::milliseconds(1));
    let (state, job) = (State::new(&config.expect("a configuration"), Arc::new(clock)), job(Deadline::far()));
    let paths: Vec<_> = teams.iter().map(|team| format!("{team}/restore")).collect();
    let restores = join_all(paths.iter().rev().map(|path| ada.client.post_nothing(path)));

    let (report, answers) = tokio::join!(run(&state, Request::default(), &job), restores);

    let purged = counts(&report.expect("a report"), "organizations").0;
    let too_late = answers.iter().filter(|answer| answer.status == 404).count() as u64;
    assert_eq!(purged, too_late);
    for (answer, team) in answers.into_iter().zip(teams.iter().rev()) {
        let keys = ada.client.get(&format!("{team}/api-keys")).await;
        if answer.status == 404 {
            answer.refused(404, "organization-not-found");
            keys.refused(404, "organization-not-found");
        } else {
            answer.ok(200);
            assert_eq!(keys.ok(200).body["data"].as_array().map(Vec::len), Some(1));
        }
    }
}

#[tokio::test]
async fn sixteen_concurrent_runs_purge_each_organization_once() {
    let app = TestApp::new().await;
    app.database
        .execute(
            "INSERT INTO organizations (id, name, slug, created_at, updated_at, deleted_at)
             SELECT gen_random_uuid(), 'Past', 'past-' || n, now(), now(), '2025-12-01T00:00:00Z'
             FROM generate_series(1, 200) n",
        )
        .await;
    let (states, job) = ((0..16).map(|_| state(&app)).collect::<Vec<_>>(), job(Deadline::far()));

    let reports = join_all(states.iter().map(|state| run(state, Request::default(), &job))).await;

    let purged: u64 =
        reports.iter().map(|report| counts(report.as_ref().expect("no run fails"), "organizations").0).sum();
    let events = "SELECT count(*) || ' ' || count(DISTINCT target_id) FROM audit_events
                  WHERE action = 'organization.purged'";
    assert_eq!((purged, &*text(&app, events).await), (200, "200 200"));
    assert_eq!(text(&app, "SELECT count(*)::text FROM organizations").await, "0");
}
