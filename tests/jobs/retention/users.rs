use std::time::Duration;

use futures_util::future::join_all;
use harness::{PLANTED, TestApp, everything, planted, runtime_api::Function, service};
use retention::{Request, run};
use serde_json::{Value, json};
use shared::{
    accounts::{erasure, erasure_ledger},
    aws::s3::Bucket,
    domain::{
        clock::{Clock, SystemClock},
        ids::UserId,
    },
    lambda::job::Deadline,
    store,
};

use super::{clean, job, of, plant, settings, state, state_with, text, total};

/// The ids that the ledger has since the app's time, in order.
async fn noted(app: &TestApp) -> Vec<String> {
    let ledger = Bucket::new(&service("ERASURE_BUCKET"), "");
    let entries = erasure_ledger::since(&ledger, app.clock.now()).await.expect("the ledger");
    let mut users: Vec<_> =
        entries.iter().flat_map(|entry| &entry.users).map(|id| id.0.to_string()).collect();
    users.sort();
    users
}

/// Users without anything, deleted so many days ago.
async fn plant_deleted(app: &TestApp, count: u32, days: u32) {
    plant(
        app,
        &format!(
            "INSERT INTO users (id, name, email, created_at, updated_at, deleted_at)
             SELECT gen_random_uuid(), 'Gone', 'gone-' || n || '-{days}@example.com', $now, $now, $now - interval '{days} days'
             FROM generate_series(1, {count}) n"
        ),
    )
    .await;
}

#[tokio::test]
async fn of_someone_deleted_30_days_ago_nothing_is_found_anywhere() {
    let app = TestApp::new().await;
    let (id, token) = planted(&app).await;
    let password = json!({ "currentPassword": "a long enough phrase" });
    app.client().token(&token).delete_with("/v1/auth/me", password).await.ok(204);
    app.clock.advance(chrono::TimeDelta::days(29));
    assert_eq!(of(&clean(&app).await, "users"), (0, 0));
    let before = everything(&app).await;
    for planted in [PLANTED[0], PLANTED[1], PLANTED[2], PLANTED[3], PLANTED[5], PLANTED[6], PLANTED[7]] {
        assert!(before.contains(planted), "{planted} is gone too soon");
    }

    app.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(of(&clean(&app).await, "users"), (1, 0));

    let after = everything(&app).await;
    for planted in PLANTED {
        assert!(!after.contains(planted), "{planted} is still there");
    }
    let left = format!("SELECT email FROM users WHERE id = '{id}'");
    assert_eq!(text(&app, &left).await, format!("deleted-{id}@deleted.invalid"));
    assert!(noted(&app).await.contains(&id), "the ledger knows");
    let event = format!(
        "SELECT coalesce(actor_id::text, 'nobody') || ' ' || request_id FROM audit_events
         WHERE action = 'user.erased' AND target_id = '{id}'"
    );
    assert_eq!(text(&app, &event).await, "nobody the-run");
}

#[tokio::test]
async fn who_is_erased_already_is_not_touched_again() {
    let app = TestApp::new().await;
    plant_deleted(&app, 3, 31).await;
    assert_eq!(of(&clean(&app).await, "users"), (3, 0));
    let before = app.database.checksums().await;
    app.clock.advance(chrono::TimeDelta::days(40));
    assert_eq!(total(&clean(&app).await), 0);
    assert_eq!(app.database.checksums().await, before, "not even a version or a time");
}

#[tokio::test]
async fn sixteen_runs_at_once_do_everything_once() {
    let app = TestApp::new().await;
    plant_deleted(&app, 450, 31).await;
    app.person("Ada").await;
    plant(&app, &super::load::ended_sessions(20_000, "91 days")).await;
    let states: Vec<_> = (0..16).map(|_| state(&app)).collect();
    let job = job(Deadline::far());

    let reports = join_all(states.iter().map(|state| run(state, Request::default(), &job))).await;

    let reports: Vec<_> = reports.into_iter().map(|report| report.expect("no run fails")).collect();
    let sum = |table| reports.iter().map(|report| of(report, table).0).sum::<u64>();
    assert_eq!((sum("users"), sum("sessions")), (450, 20_000));
    let events =
        "SELECT count(*) || ' ' || count(DISTINCT target_id) FROM audit_events WHERE action = 'user.erased'";
    assert_eq!(text(&app, events).await, "450 450");
    assert_eq!(text(&app, "SELECT count(*)::text FROM users WHERE erased_at IS NULL").await, "1");
    assert_eq!(text(&app, "SELECT max(version)::text FROM users WHERE erased_at IS NOT NULL").await, "2");
    let erased = "SELECT string_agg(id::text, ' ' ORDER BY id::text) FROM users WHERE erased_at IS NOT NULL";
    let (erased, noted) = (text(&app, erased).await, noted(&app).await);
    assert!(erased.split(' ').all(|id| noted.binary_search(&id.to_owned()).is_ok()), "all are in the ledger");
}

#[tokio::test]
async fn without_the_ledger_nobody_is_erased_and_everything_else_is_done() {
    let app = TestApp::new().await;
    plant_deleted(&app, 3, 31).await;
    app.person("Ada").await;
    plant(&app, &super::load::ended_sessions(10, "91 days")).await;
    let users = "SELECT md5(string_agg(u::text, ' ' ORDER BY id)) FROM users u";
    let before = text(&app, users).await;

    let nowhere = state_with(&app, "no-such-bucket");
    let failed = run(&nowhere, Request::default(), &job(Deadline::far())).await.expect_err("no ledger");

    let error = format!("{failed:#}");
    assert!(error.contains("not erased, because the ledger") && error.contains("s3 unavailable"), "{error}");
    assert_eq!(text(&app, users).await, before);
    assert_eq!(text(&app, "SELECT count(*)::text FROM audit_events WHERE action = 'user.erased'").await, "0");
    assert_eq!(text(&app, "SELECT count(*)::text FROM sessions").await, "1", "Ada's own");
    assert_eq!(of(&clean(&app).await, "users"), (3, 0));
}

#[tokio::test]
async fn who_is_restored_or_put_under_a_hold_at_that_moment_is_erased_whole_or_not_at_all() {
    let app = TestApp::new().await;
    let grace = app.administrator("Grace").await;
    plant_deleted(&app, 16, 31).await;
    let ids = text(&app, "SELECT string_agg(id::text, ' ') FROM users WHERE name = 'Gone'").await;
    let state = state(&app);
    let job = job(Deadline::far());
    let asked = join_all(ids.split(' ').enumerate().map(|(number, id)| {
        let (path, grace) = (format!("/v1/users/{id}"), &grace.client);
        async move {
            match number % 2 {
                0 => (id, grace.post_nothing(&format!("{path}/restore")).await),
                _ => (id, grace.post(&format!("{path}/legal-hold"), json!({ "reason": "case" })).await),
            }
        }
    }));

    let (report, answers) = tokio::join!(run(&state, Request::default(), &job), asked);

    let erased = of(&report.expect("a report"), "users").0;
    let came_too_late = answers.iter().filter(|(_, answer)| answer.status == 409).count() as u64;
    assert_eq!(erased, came_too_late);
    for (id, answer) in answers {
        let name = text(&app, &format!("SELECT name FROM users WHERE id = '{id}'")).await;
        if answer.status == 409 {
            answer.refused(409, "user-erased");
            assert_eq!(name, "Deleted user");
        } else {
            answer.ok(200);
            assert_eq!(name, "Gone");
        }
    }
}

#[tokio::test]
async fn the_last_owner_of_an_organization_is_erased_anyway_and_it_is_said_which() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.proved_person("Ada").await, app.proved_person("Bob").await);
    let team = ada.found("Engines").await;
    ada.add(&team, &bob, "member").await;
    let id = UserId(ada.id.parse().expect("an id"));
    let request = job(Deadline::far()).request();

    let without_owner = app.state.app.db.transaction_as(async |tx| {
        let user = store::users::lock(tx, id).await?.expect("Ada");
        anyhow::Ok(erasure::erase_anyway(tx, &user, &request).await?)
    });

    let without_owner = without_owner.await.expect("she is erased");
    assert_eq!(
        without_owner.iter().map(|id| format!("/v1/organizations/{id}")).collect::<Vec<_>>(),
        [team.as_str()]
    );
    assert_eq!(text(&app, &format!("SELECT name FROM users WHERE id = '{id}'")).await, "Deleted user");
    let members = bob.client.get(&format!("{team}/members")).await.ok(200);
    assert_eq!(members.body["data"].as_array().map(Vec::len), Some(1), "it goes on with Bob alone");
}

/// The environment of the real binary, as in AWS but for the secrets.
fn environment(app: &TestApp) -> std::collections::HashMap<String, String> {
    let passed = ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let mut environment: std::collections::HashMap<_, _> =
        passed.into_iter().map(|name| (name.to_owned(), service(name))).collect();
    environment.extend(settings(app, &service("ERASURE_BUCKET")));
    environment
}

#[tokio::test]
async fn the_function_does_what_its_event_says_and_leaves_a_line_per_table_and_figures() {
    let app = TestApp::new().await;
    // The binary has the machine's clock.
    app.clock.advance(SystemClock.now() - app.clock.now());
    plant_deleted(&app, 2, 31).await;
    let function = Function::start("retention", environment(&app)).await;
    let invoke = async |event: Value| function.invoke_within(Duration::from_mins(1), event).await;

    let unknown = invoke(json!({ "dryrun": true })).await.expect_err("not an event of ours");
    assert!(unknown.to_string().contains("unknown field"), "{unknown}");
    let rehearsed = invoke(json!({ "dryRun": true })).await.expect("a report");
    assert_eq!((&rehearsed["dryRun"], &rehearsed["tables"][5]["removed"]), (&json!(true), &json!(2)));
    let done = invoke(json!({})).await.expect("a report");
    assert_eq!(done["tables"][5], json!({ "table": "users", "removed": 2, "held": 0, "complete": true }));
    assert_eq!((&done["dryRun"], &done["complete"]), (&json!(false), &json!(true)));
    assert!(done["durationMs"].is_u64(), "{done}");
    let again = invoke(json!({})).await.expect("a report");
    assert_eq!(again["tables"][5]["removed"], 0);

    let line = function.log_line(|line| line.contains("table cleaned") && line.contains("\"rows\":2")).await;
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["table"], &line["held"]), (&json!("users"), &json!(0)), "{line}");
    function
        .log_line(|line| line.contains("\"RowsRemoved\":2") && line.contains("\"table\":\"users\""))
        .await;
    function.log_line(|line| line.contains("\"RetentionComplete\":[1.0]")).await;
    assert!(!function.log().iter().any(|line| line.contains("gone-")), "no address is in the log");
}

#[tokio::test]
async fn a_function_whose_ledger_is_away_fails_and_says_why() {
    let app = TestApp::new().await;
    app.clock.advance(SystemClock.now() - app.clock.now());
    plant_deleted(&app, 2, 31).await;
    let mut environment = environment(&app);
    environment.insert("AWS_ENDPOINT_URL_S3".to_owned(), "http://127.0.0.1:1".to_owned());
    let function = Function::start("retention", environment).await;
    let failed = function.invoke_within(Duration::from_mins(1), json!({})).await.expect_err("no ledger");
    assert!(failed.to_string().contains("not erased, because the ledger"), "{failed}");
    function.log_line(|line| line.contains("job failed") && line.contains("s3 unavailable")).await;
    assert_eq!(text(&app, "SELECT count(*)::text FROM users WHERE erased_at IS NOT NULL").await, "0");
}
