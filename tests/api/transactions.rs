//! What the one way to the database promises.

use std::sync::atomic::{AtomicUsize, Ordering};

use harness::TestApp;
use shared::{ApiError, db::Tx};
use tokio::sync::Barrier;

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

#[tokio::test]
async fn of_two_transactions_in_a_deadlock_both_succeed() {
    let app = TestApp::with(&[("DB_POOL_MAX", "2")]).await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (runs, both_hold_one) = (AtomicUsize::new(0), Barrier::new(2));
    let lock = async |tx: &mut Tx, id: &str| -> Result<(), ApiError> {
        sqlx::query("UPDATE users SET name = name || '!' WHERE id = $1::uuid")
            .bind(id.to_owned())
            .execute(tx)
            .await?;
        Ok(())
    };
    let lock_in_order = async |first: &str, second: &str| {
        app.state
            .app
            .db
            .transaction(async |tx| {
                lock(tx, first).await?;
                // Only the first two runs wait for each other.
                if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                    both_hold_one.wait().await;
                }
                lock(tx, second).await
            })
            .await
    };
    let (one, other) = tokio::join!(lock_in_order(&ada.id, &bob.id), lock_in_order(&bob.id, &ada.id));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    let names: i64 = app.database.value("SELECT count(*) FROM users WHERE name LIKE '%!!'").await;
    assert_eq!(names, 2);
}
