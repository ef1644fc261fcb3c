//! What the one way to the database promises.

use harness::TestApp;

#[tokio::test]
async fn a_transaction_of_which_a_statement_failed_is_no_success_even_if_nobody_minds() {
    let app = TestApp::new().await;
    let db = &app.state.app.db;
    let done = db
        .transaction(async |tx| {
            _ = sqlx::query("SELECT 1 / 0").execute(&mut *tx).await;
            Ok("done")
        })
        .await;
    assert!(done.is_err(), "{done:?}");
    let next = db.transaction(async |tx| Ok(sqlx::query("SELECT 1").execute(&mut *tx).await?)).await;
    assert!(next.is_ok(), "{next:?}");
}
