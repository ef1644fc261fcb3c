use harness::{CANARIES, TestApp, create_canaries};
use serde_json::json;
use shared::domain::clock::{Clock, SystemClock};
use sqlx::{Connection, PgConnection};

use crate::{
    backup_store::{BackupStore, JOB_TIMEOUT},
    databases::{drop_database, text, unused_name},
};

#[tokio::test]
async fn restore_does_not_bring_back_users_erased_after_the_backup() {
    let bucket = format!("l-{}", uuid::Uuid::new_v4().simple());
    let app = TestApp::with(&[("ERASURE_BUCKET", &bucket)]).await;
    let store = BackupStore::with_ledger(&app.database, bucket).await;
    app.clock.advance(SystemClock.now() - app.clock.now());
    let (id, _) = create_canaries(&app).await;
    let grace = app.administrator("Margaret").await;
    store.back_up().await;
    grace.client.post(&format!("/v1/users/{id}/erase"), json!({})).await.ok(200);
    let name = unused_name();
    let function = store.restore_function().await;
    let event = json!({ "command": "restore", "target": store.url_of(&name) });
    let restored = function.invoke_within(JOB_TIMEOUT, event).await.expect("restored");
    assert_eq!(restored["erasedAgain"], 1);

    let mut copy = PgConnection::connect(&store.url_of(&name)).await.expect("a connection");
    let tables = "SELECT string_agg(format('%I', tablename), ' ') FROM pg_tables WHERE schemaname = 'public'";
    let tables = text(&mut copy, tables).await;
    let mut all = function.log().concat();
    for table in tables.split(' ') {
        all +=
            &text(&mut copy, &format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")).await;
    }
    assert!(
        all.contains(&grace.email) && all.contains(&id),
        "other users are restored, and the id of the erased one"
    );
    for canary in CANARIES {
        assert!(!all.to_lowercase().contains(&canary.to_lowercase()), "{canary} was restored");
    }
    let noted = format!(
        "SELECT count(*)::text FROM audit_events WHERE action = 'user.erased' AND target_id = '{id}'"
    );
    assert_eq!(text(&mut copy, &noted).await, "1");
    copy.close().await.expect("a clean end");
    drop_database(&app.database, &name).await;

    let drilled = store.drill().await.expect("restored");
    assert_eq!(drilled["erasedAgain"], 1, "every restore erases again");
    store.delete_ledger().await;
    let error = store.drill().await.expect_err("the erased users are unknown");
    assert!(error.contains("s3 unavailable"), "{error}");
}
