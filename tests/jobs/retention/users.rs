use std::time::Duration;

use futures_util::future::join_all;
use harness::{CANARIES, TestApp, all_rows, create_canaries, runtime_api::Function, service};
use retention::{Request, run};
use serde_json::{Value, json};
use shared::{
    accounts::{erasure, erasure_ledger::Ledger},
    aws::s3::Bucket,
    domain::{
        clock::{Clock, SystemClock},
        ids::UserId,
    },
    lambda::job::Deadline,
    store,
};

use super::{clean, counts, insert, job, settings, state, state_with, text, total};

/// Returns the ids in the ledger since the app's time, sorted.
async fn ledger_ids(app: &TestApp) -> Vec<String> {
    let ledger = Bucket::new(&service("ERASURE_BUCKET"), "");
    let ledger = Ledger::read(&ledger).await.expect("the ledger");
    let entries = ledger.since(app.clock.now()).await.expect("its entries");
    let mut users: Vec<_> =
        entries.iter().flat_map(|(.., entry)| &entry.users).map(|id| id.0.to_string()).collect();
    users.sort();
    users
}

/// Inserts `count` users without other rows, deleted `days` ago.
async fn insert_deleted_users(app: &TestApp, count: u32, days: u32) {
    insert(
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
async fn nothing_remains_of_a_user_deleted_30_days_ago() {
    let app = TestApp::new().await;
    let (id, token) = create_canaries(&app).await;
    let password = json!({ "currentPassword": "a long enough phrase" });
    app.client().token(&token).delete_with("/v1/auth/me", password).await.ok(204);
    app.clock.advance(chrono::TimeDelta::days(29));
    assert_eq!(counts(&clean(&app).await, "users"), (0, 0));
    let before = all_rows(&app).await;
    // The user agent was deleted with its session.
    for canary in CANARIES.into_iter().filter(|canary| *canary != CANARIES[4]) {
        assert!(before.contains(canary), "{canary} was deleted too early");
    }

    app.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(counts(&clean(&app).await, "users"), (1, 0));

    let after = all_rows(&app).await;
    for canary in CANARIES {
        assert!(!after.contains(canary), "{canary} is still there");
    }
    let left = format!("SELECT email FROM users WHERE id = '{id}'");
    assert_eq!(text(&app, &left).await, format!("deleted-{id}@deleted.invalid"));
    assert!(ledger_ids(&app).await.contains(&id), "the ledger has the user");
    let event = format!(
        "SELECT coalesce(actor_id::text, 'nobody') || ' ' || request_id FROM audit_events
         WHERE action = 'user.erased' AND target_id = '{id}'"
    );
    assert_eq!(text(&app, &event).await, "nobody the-run");
}

#[tokio::test]
async fn erased_user_is_not_changed_again() {
    let app = TestApp::new().await;
    insert_deleted_users(&app, 3, 31).await;
    assert_eq!(counts(&clean(&app).await, "users"), (3, 0));
    let before = app.database.checksums().await;
    app.clock.advance(chrono::TimeDelta::days(40));
    assert_eq!(total(&clean(&app).await), 0);
    assert_eq!(app.database.checksums().await, before, "not even a version or a timestamp");
}

#[tokio::test]
async fn sixteen_concurrent_runs_do_everything_once() {
    let app = TestApp::new().await;
    insert_deleted_users(&app, 150, 31).await;
    app.person("Ada").await;
    insert(&app, &super::load::ended_sessions(11_000, "91 days")).await;
    let states: Vec<_> = (0..16).map(|_| state(&app)).collect();
    let job = job(Deadline::far());

    let reports = join_all(states.iter().map(|state| run(state, Request::default(), &job))).await;

    let reports: Vec<_> = reports.into_iter().map(|report| report.expect("no run fails")).collect();
    let sum = |table| reports.iter().map(|report| counts(report, table).0).sum::<u64>();
    assert_eq!((sum("users"), sum("sessions")), (150, 11_000));
    let events =
        "SELECT count(*) || ' ' || count(DISTINCT target_id) FROM audit_events WHERE action = 'user.erased'";
    assert_eq!(text(&app, events).await, "150 150");
    assert_eq!(text(&app, "SELECT count(*)::text FROM users WHERE erased_at IS NULL").await, "1");
    assert_eq!(text(&app, "SELECT max(version)::text FROM users WHERE erased_at IS NOT NULL").await, "2");
    let erased = "SELECT string_agg(id::text, ' ' ORDER BY id::text) FROM users WHERE erased_at IS NOT NULL";
    let (erased, noted) = (text(&app, erased).await, ledger_ids(&app).await);
    assert!(erased.split(' ').all(|id| noted.binary_search(&id.to_owned()).is_ok()), "all are in the ledger");
}

#[tokio::test]
async fn erasure_that_the_database_rolls_back_runs_again_and_has_one_entry() {
    let app = TestApp::new().await;
    insert_deleted_users(&app, 2, 31).await;
    // The first change of a user ends in a deadlock. A sequence is not rolled back.
    insert(
        &app,
        "CREATE SEQUENCE changes;
         GRANT USAGE ON SEQUENCE changes TO PUBLIC;
         CREATE FUNCTION deadlock_once() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('changes') = 1 THEN
                 RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER deadlock_once BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION deadlock_once()",
    )
    .await;
    assert_eq!(counts(&clean(&app).await, "users"), (2, 0));
    assert_eq!(text(&app, "SELECT last_value::text FROM changes").await, "3");
    let erased = "SELECT string_agg(id::text, ' ' ORDER BY id::text) FROM users WHERE erased_at IS NOT NULL";
    let (erased, noted) = (text(&app, erased).await, ledger_ids(&app).await);
    for id in erased.split(' ') {
        assert_eq!(noted.iter().filter(|noted| *noted == id).count(), 1, "{noted:?}");
    }
}

#[tokio::test]
async fn without_the_ledger_only_erasure_is_skipped() {
    let app = TestApp::new().await;
    insert_deleted_users(&app, 3, 31).await;
    app.person("Ada").await;
    insert(&app, &super::load::ended_sessions(10, "91 days")).await;
    let users = "SELECT md5(string_agg(u::text, ' ' ORDER BY id)) FROM users u";
    let before = text(&app, users).await;

    let nowhere = state_with(&app, "no-such-bucket");
    let failed = run(&nowhere, Request::default(), &job(Deadline::far())).await.expect_err("no ledger");

    let error = format!("{failed:#}");
    assert!(error.contains("not erased, because the ledger") && error.contains("s3 unavailable"), "{error}");
    assert_eq!(text(&app, users).await, before);
    assert_eq!(text(&app, "SELECT count(*)::text FROM audit_events WHERE action = 'user.erased'").await, "0");
    assert_eq!(text(&app, "SELECT count(*)::text FROM sessions").await, "1", "Ada's own");
    assert_eq!(counts(&clean(&app).await, "users"), (3, 0));
}

#[tokio::test]
async fn user_restored_or_held_during_a_run_is_erased_completely_or_not_at_all() {
    let app = TestApp::new().await;
    let grace = app.administrator("Grace").await;
    insert_deleted_users(&app, 16, 31).await;
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

    let erased = counts(&report.expect("a report"), "users").0;
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
async fn erasing_a_last_owner_reports_the_organization() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    let id = UserId(ada.id.parse().expect("an id"));
    let request = job(Deadline::far()).request();

    let without_owner = app.state.app.db.transaction_as(async |tx| {
        let user = store::users::lock(tx, id).await?.expect("Ada");
        anyhow::Ok(erasure::erase_anyway(tx, &user, &request).await?)
    });

    let without_owner = without_owner.await.expect("Ada is erased");
    assert_eq!(
        without_owner.iter().map(|id| format!("/v1/organizations/{id}")).collect::<Vec<_>>(),
        [team.as_str()]
    );
    assert_eq!(text(&app, &format!("SELECT name FROM users WHERE id = '{id}'")).await, "Deleted user");
    let members = bob.client.get(&format!("{team}/members")).await.ok(200);
    assert_eq!(members.body["data"].as_array().map(Vec::len), Some(1), "only Bob is left");
}

#[tokio::test]
async fn erasure_that_is_replayed_purges_an_organization_despite_a_hold_on_the_user_that_ended_since() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Engines").await;
    ada.create_everything(&team).await;
    let hold = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", ada.id), hold).await.ok(200);
    let id = UserId(ada.id.parse().expect("an id"));
    let request = job(Deadline::far()).request();

    let erased = app.state.app.db.transaction_as(async |tx| {
        let user = store::users::lock(tx, id).await?.expect("Ada");
        anyhow::Ok(erasure::erase_anyway(tx, &user, &request).await?)
    });

    erased.await.expect("Ada is erased");
    let id = team.rsplit('/').next().expect("an id");
    assert_eq!(text(&app, &format!("SELECT count(*)::text FROM organizations WHERE id = '{id}'")).await, "0");
}

/// Returns the environment of the real binary, as in AWS except for the secrets.
fn environment(app: &TestApp) -> std::collections::HashMap<String, String> {
    let passed = ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let mut environment: std::collections::HashMap<_, _> =
        passed.into_iter().map(|name| (name.to_owned(), service(name))).collect();
    environment.extend(settings(app, &service("ERASURE_BUCKET")));
    environment
}

#[tokio::test]
async fn function_follows_its_event_and_writes_logs_and_metrics() {
    let app = TestApp::new().await;
    // The binary uses the machine's clock.
    app.clock.advance(SystemClock.now() - app.clock.now());
    insert_deleted_users(&app, 2, 31).await;
    let function = Function::start("retention", environment(&app)).await;
    let invoke = async |event: Value| function.invoke_within(Duration::from_mins(1), event).await;

    let unknown = invoke(json!({ "dryrun": true })).await.expect_err("an unknown event");
    assert!(unknown.to_string().contains("unknown field"), "{unknown}");
    let users = |report: &Value| {
        let tables = report["tables"].as_array().expect("tables");
        tables.iter().find(|cleaned| cleaned["table"] == "users").expect("users").clone()
    };
    let rehearsed = invoke(json!({ "dryRun": true })).await.expect("a report");
    assert_eq!((&rehearsed["dryRun"], &users(&rehearsed)["removed"]), (&json!(true), &json!(2)));
    let done = invoke(json!({})).await.expect("a report");
    assert_eq!(users(&done), json!({ "table": "users", "removed": 2, "held": 0, "complete": true }));
    assert_eq!((&done["dryRun"], &done["complete"]), (&json!(false), &json!(true)));
    assert!(done["durationMs"].is_u64(), "{done}");
    let again = invoke(json!({})).await.expect("a report");
    assert_eq!(users(&again)["removed"], 0);

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
async fn function_fails_with_a_reason_if_the_ledger_is_unavailable() {
    let app = TestApp::new().await;
    app.clock.advance(SystemClock.now() - app.clock.now());
    insert_deleted_users(&app, 2, 31).await;
    let mut environment = environment(&app);
    environment.insert("AWS_ENDPOINT_URL_S3".to_owned(), "http://127.0.0.1:1".to_owned());
    let function = Function::start("retention", environment).await;
    let failed = function.invoke_within(Duration::from_mins(1), json!({})).await.expect_err("no ledger");
    assert!(failed.to_string().contains("not erased, because the ledger"), "{failed}");
    function.log_line(|line| line.contains("job failed") && line.contains("s3 unavailable")).await;
    assert_eq!(text(&app, "SELECT count(*)::text FROM users WHERE erased_at IS NOT NULL").await, "0");
}
