use harness::{PLANTED, TestApp, planted};
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    copies::{drop_database, text, unused},
    vault::{TIME, Vault},
};

#[tokio::test]
async fn of_someone_who_was_erased_after_the_backup_nothing_comes_back() {
    let bucket = format!("l-{}", uuid::Uuid::new_v4().simple());
    let app = TestApp::with(&[("ERASURE_BUCKET", &bucket)]).await;
    let vault = Vault::with_ledger(&app.database, bucket).await;
    let (id, _) = planted(&app).await;
    let grace = app.administrator("Margaret").await;
    vault.back_up().await;
    grace.client.post(&format!("/v1/users/{id}/erase"), json!({})).await.ok(200);
    let name = unused();
    let function = vault.restore_function().await;
    let event = json!({ "command": "restore", "target": vault.beside(&name) });
    let restored = function.invoke_within(TIME, event).await.expect("restored");
    assert_eq!(restored["erasedAgain"], 1);

    let mut copy = PgConnection::connect(&vault.beside(&name)).await.expect("a connection");
    let tables = "SELECT string_agg(format('%I', tablename), ' ') FROM pg_tables WHERE schemaname = 'public'";
    let tables = text(&mut copy, tables).await;
    let mut all = function.log().concat();
    for table in tables.split(' ') {
        all +=
            &text(&mut copy, &format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")).await;
    }
    assert!(all.contains(&grace.email) && all.contains(&id), "the others are there, and the erased id");
    for planted in PLANTED {
        assert!(!all.to_lowercase().contains(&planted.to_lowercase()), "{planted} came back");
    }
    let noted = format!(
        "SELECT count(*)::text FROM audit_events WHERE action = 'user.erased' AND target_id = '{id}'"
    );
    assert_eq!(text(&mut copy, &noted).await, "1");
    copy.close().await.expect("a clean end");
    drop_database(&app.database, &name).await;

    // As if the cluster had been set back: Ada is there, until her erasure is replayed.
    let set_back = unused();
    let unaware = vault.with_an_empty_ledger().await;
    let restored = unaware.restore(&vault.beside(&set_back)).await.expect("restored");
    assert_eq!(restored["erasedAgain"], 0);
    let event = json!({ "command": "replay", "target": set_back, "since": restored["takenAt"] });
    assert_eq!(vault.ask(event.clone()).await.expect("replayed")["erasedAgain"], 1);
    assert_eq!(vault.ask(event).await.expect("replayed")["erasedAgain"], 0, "once is enough");
    let mut copy = PgConnection::connect(&vault.beside(&set_back)).await.expect("a connection");
    let users = text(&mut copy, "SELECT string_agg(u::text, ' ') FROM users u").await;
    assert!(!users.contains(PLANTED[0]) && users.contains(&id), "{users}");
    copy.close().await.expect("a clean end");
    drop_database(&app.database, &set_back).await;

    let drilled = vault.drill().await.expect("restored");
    assert_eq!(drilled["erasedAgain"], 1, "an erasure holds for every restore");
    vault.remove_ledger().await;
    let error = vault.drill().await.expect_err("who was erased is not known");
    assert!(error.contains("s3 unavailable"), "{error}");
}
