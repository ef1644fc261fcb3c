//! The ledger of erasures: which one belongs to a backup, and which of its entries happened.

use chrono::TimeDelta;
use harness::{Person, TestApp, Wire, function_settings};
use retention::{Request, run};
use serde_json::{Value, json};
use shared::{
    domain::clock::{Clock, SystemClock},
    lambda::job::Deadline,
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{
    backup_store::BackupStore,
    databases::{drop_database, text, unused_name},
    retention::{job, state_with},
};

/// Makes the erasure of a user fail after its entry was written.
const BREAK_ERASURE: &str =
    "ALTER TABLE audit_events ADD CONSTRAINT refused CHECK (action <> 'user.erased') NOT VALID";
const REPAIR_ERASURE: &str = "ALTER TABLE audit_events DROP CONSTRAINT refused";

/// Starts the app with a ledger of its own, `hours` ago.
async fn app_with_ledger(hours: i64) -> (TestApp, BackupStore, String) {
    let bucket = format!("l-{}", Uuid::new_v4().simple());
    let app = TestApp::with(&[("ERASURE_BUCKET", &bucket)]).await;
    app.clock.advance(SystemClock.now() - TimeDelta::hours(hours) - app.clock.now());
    let store = BackupStore::with_ledger(&app.database, bucket.clone()).await;
    (app, store, bucket)
}

fn erase_path(person: &Person<'_>) -> String {
    format!("/v1/users/{}/erase", person.id)
}

/// Tries to erase `person`. The transaction fails after the entry was written.
async fn fail_to_erase(app: &TestApp, administrator: &Person<'_>, person: &Person<'_>) {
    app.database.execute(BREAK_ERASURE).await;
    let answer = administrator.client.post_nothing(&erase_path(person)).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    app.database.execute(REPAIR_ERASURE).await;
}

/// Returns the addresses of all users of the database `name`, and drops it.
async fn users_of(app: &TestApp, store: &BackupStore, name: &str) -> String {
    let mut copy = PgConnection::connect(&store.url_of(name)).await.expect("a connection");
    let users = text(&mut copy, "SELECT string_agg(email, ' ') FROM users").await;
    copy.close().await.expect("a clean end");
    drop_database(&app.database, name).await;
    users
}

/// Returns the reason for which `restore-drill` refuses `event`.
async fn refusal(store: &BackupStore, event: Value) -> String {
    store.call_restore(event).await.expect_err("refused")
}

#[tokio::test]
async fn restore_refuses_the_ledger_of_another_environment_and_an_older_copy() {
    let (app, store, _) = app_with_ledger(0).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let grace = app.administrator("Grace").await;
    let empty = store.back_up().await;
    assert_eq!(empty["ledger"]["newest"], json!(null));
    let identity = store.ledger_keys().await.remove(0);
    assert_eq!(empty["ledger"]["ids"], json!([identity.strip_prefix("ledger/").expect("an identity")]));
    grace.client.post_nothing(&erase_path(&bob)).await.ok(200);
    let manifest = store.back_up().await;
    assert_eq!(manifest["ledger"]["newest"], store.ledger_keys().await[0], "the entry of Bob");
    grace.client.post_nothing(&erase_path(&ada)).await.ok(200);

    let name = unused_name();
    let restore = json!({ "command": "restore", "target": store.url_of(&name) });
    let replay = json!({ "command": "replay", "target": app.database.name(), "since": manifest["takenAt"] });
    let events = [restore.clone(), json!({ "command": "drill" }), replay.clone()];
    let foreign = store.with_empty_ledger().await;
    for step in ["empty", "of another environment"] {
        for event in events.clone() {
            let error = refusal(&foreign, event).await;
            assert!(
                error.contains("is not the ledger of") || error.contains("no erasures are known"),
                "{step}: {error}"
            );
        }
        foreign.put_in_ledger(&format!("ledger/{}", Uuid::now_v7())).await;
    }
    let stale = store.with_empty_ledger().await;
    stale.put_in_ledger(&identity).await;
    for event in events {
        let error = refusal(&stale, event).await;
        assert!(error.contains("is an older copy of the ledger of"), "{error}");
    }
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(&name);
    let exists: bool = exists.fetch_one(app.database.pool()).await.expect("an answer");
    assert!(!exists, "the target was created");
    assert_eq!(store.call_restore(restore).await.expect("restored")["erasedAgain"], 1);
    let users = users_of(&app, &store, &name).await;
    assert!(
        !users.contains(&ada.email) && !users.contains(&bob.email) && users.contains(&grace.email),
        "{users}"
    );
}

#[tokio::test]
async fn backup_copied_to_another_environment_brings_its_ledger() {
    let (app, store, _) = app_with_ledger(0).await;
    let ada = app.verified_person("Ada").await;
    let grace = app.administrator("Grace").await;
    let manifest = store.back_up().await;
    grace.client.post_nothing(&erase_path(&ada)).await.ok(200);

    let there = store.elsewhere().await;
    // It has had erasures of its own.
    there.put_in_ledger(&format!("ledger/{}", Uuid::now_v7())).await;
    let copied = there.call_restore(store.copy_event()).await.expect("copied");
    assert_eq!((&copied["backup"], &copied["bytes"]), (&manifest["id"], &manifest["size"]));
    assert_eq!(copied["ledgerObjects"], 3, "the identity, the entry and its confirmation");
    let again = there.call_restore(store.copy_event()).await.expect("copied");
    assert_eq!(again["ledgerObjects"], 0, "nothing is missing");
    let name = unused_name();
    let restored = there.restore(&store.url_of(&name)).await.expect("restored");
    assert_eq!(restored["erasedAgain"], 1);
    let users = users_of(&app, &store, &name).await;
    assert!(!users.contains(&ada.email), "{users}");
}

#[tokio::test]
async fn erasure_that_was_rolled_back_is_not_repeated() {
    let (app, store, _) = app_with_ledger(0).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let grace = app.administrator("Grace").await;
    store.back_up().await;
    fail_to_erase(&app, &grace, &ada).await;
    grace.client.post_nothing(&erase_path(&bob)).await.ok(200);

    let name = unused_name();
    let restored = store.restore(&store.url_of(&name)).await.expect("restored");
    assert_eq!((&restored["erasedAgain"], &restored["unconfirmed"]), (&json!(1), &json!([])));
    let users = users_of(&app, &store, &name).await;
    assert!(users.contains(&ada.email) && !users.contains(&bob.email), "{users}");
}

#[tokio::test]
async fn erasure_with_a_lost_outcome_is_confirmed_by_retention_or_decided_by_a_person() {
    let (app, store, bucket) = app_with_ledger(0).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let grace = app.administrator("Grace").await;
    store.back_up().await;
    fail_to_erase(&app, &grace, &ada).await;
    let cancelled = store.delete_from_ledger(".cancelled").await.remove(0);
    let of_ada = cancelled.strip_suffix(".cancelled").expect("an entry");
    let wire = Wire::to(&function_settings(&app.database)["DATABASE_URL"]).await;
    let instance = app.second_instance_with(&[("DATABASE_URL", &*wire.url), ("ERASURE_BUCKET", &bucket)]);
    let client = instance.client().token(&grace.access_token);
    client.get("/v1/auth/me").await.ok(200);
    wire.lose_commits();
    assert_eq!(client.post_nothing(&erase_path(&bob)).await.status, 503, "the answer to COMMIT was lost");
    let of_bob = store.ledger_keys().await.into_iter().find(|key| key != of_ada).expect("an entry");
    assert!(!of_bob.contains(".c"), "the outcome is unknown: {of_bob}");

    let name = unused_name();
    let restore = json!({ "command": "restore", "target": store.url_of(&name) });
    let error = refusal(&store, restore.clone()).await;
    assert!(
        error.contains(of_ada) && error.contains(&of_bob) && error.contains("unknown whether"),
        "{error}"
    );

    app.clock.advance(TimeDelta::hours(2));
    let report = run(&state_with(&app, &bucket), Request::default(), &job(Deadline::far())).await;
    let ledger = serde_json::to_value(report.expect("a report")).expect("JSON")["ledger"].take();
    assert_eq!(ledger, json!({ "confirmed": [&of_bob], "unconfirmed": [of_ada] }));
    let error = refusal(&store, restore.clone()).await;
    assert!(error.contains(of_ada) && !error.contains(&of_bob), "{error}");

    assert_eq!(store.drill().await.expect("restored")["erasedAgain"], 2, "nothing of a drill stays");
    for (decision, erased) in [("keep", 1), ("erase", 2)] {
        let mut event = restore.clone();
        event["unconfirmed"] = json!(decision);
        let restored = store.call_restore(event).await.expect("restored");
        assert_eq!((&restored["erasedAgain"], &restored["unconfirmed"]), (&json!(erased), &json!([of_ada])));
        let users = users_of(&app, &store, &name).await;
        assert_eq!(users.contains(&ada.email), decision == "keep", "{users}");
        assert!(!users.contains(&bob.email), "{users}");
    }
}

#[tokio::test]
async fn replay_refuses_a_moment_that_backup_and_ledger_do_not_cover() {
    let (app, store, _) = app_with_ledger(3).await;
    let ada = app.verified_person("Ada").await;
    let grace = app.administrator("Grace").await;
    let manifest = store.back_up().await;
    let set_back = unused_name();
    // As after a restore of the cluster: Ada exists until her erasure is replayed.
    assert_eq!(store.restore(&store.url_of(&set_back)).await.expect("restored")["erasedAgain"], 0);
    grace.client.post_nothing(&erase_path(&ada)).await.ok(200);

    let replay = |since: &str| json!({ "command": "replay", "target": set_back, "since": since });
    for moment in ["2126-01-02T03:04:05Z", "1926-01-02T03:04:05Z"] {
        let error = refusal(&store, replay(moment)).await;
        let year = &moment[..4];
        assert!(error.contains(&format!("no erasures are known since {year}")), "{error}");
        let begun = manifest["id"].as_str().expect("an id").split_once('T').expect("a time").0;
        let covered = error.split_once("the ledger covers ").expect("a range").1;
        let (ledger, backups) = covered.split_once(", the backups ").expect("two ranges");
        assert!(ledger.contains(" to ") && backups.starts_with(begun), "{error}");
    }
    // Later than the data: the moment of the data counts.
    let since = SystemClock.now().to_rfc3339();
    assert_eq!(store.call_restore(replay(&since)).await.expect("replayed")["erasedAgain"], 1);
    assert_eq!(
        store.call_restore(replay(&since)).await.expect("replayed")["erasedAgain"],
        0,
        "already erased"
    );
    let users = users_of(&app, &store, &set_back).await;
    assert!(!users.contains(&ada.email), "{users}");
}
