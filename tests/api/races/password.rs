//! A removal of the password that meets a reset of the password.

use std::cell::Cell;

use futures_util::future::join;
use harness::TestApp;

use super::{concurrent_app, departure::wait_until_blocked};

/// What a reset of the password does, until it is committed.
const RESET: &str =
    "WITH ended AS (UPDATE sessions SET revoked_at = created_at, revoked_reason = 'password_reset')
                     UPDATE users SET password_hash = 'the new hash'";

#[tokio::test]
async fn removing_the_password_does_not_undo_a_reset_made_at_the_same_time() {
    let app: TestApp = concurrent_app().await;
    let ada = app.verified_person("Ada").await;
    let mut reset = app.database.pool().begin().await.expect("a transaction");
    sqlx::query(RESET).execute(&mut *reset).await.expect("a reset");
    let done = Cell::new(false);

    let removal = async {
        let answer = ada.client.delete("/v1/auth/accounts/password").await;
        done.set(true);
        answer
    };
    let commit = async {
        wait_until_blocked(&app, 1, &done).await;
        reset.commit().await.expect("a commit");
    };
    let (answer, ()) = join(removal, commit).await;

    answer.refused(401, "unauthenticated");
    assert_eq!(app.database.value::<String>("SELECT password_hash FROM users").await, "the new hash");
}
