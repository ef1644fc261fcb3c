//! An account whose deletion has begun and is not committed: other transactions still see it as active.

use std::cell::Cell;

use futures_util::future::join3;
use harness::{Answer, Person, TestApp};
use serde_json::json;

use super::{concurrent_app, owners::assert_no_orphans};

/// Waits until `wanted` requests wait for locks, or `done`.
pub(super) async fn wait_until_blocked(app: &TestApp, wanted: i64, done: &Cell<bool>) {
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while !done.get() && app.database.value::<i64>(blocked).await < wanted {}
}

/// Deletes the account of `bob`, and runs `others` when the deletion has done everything except ending the sessions. Returns the
/// answers of both.
pub async fn while_deleting(
    app: &TestApp,
    bob: &Person<'_>,
    others: impl Future<Output = (Answer, Answer)>,
) -> (Answer, (Answer, Answer)) {
    let mut held = app.database.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT 1 FROM sessions WHERE user_id = $1::uuid FOR UPDATE")
        .bind(&bob.id)
        .execute(&mut *held)
        .await
        .expect("the sessions of Bob");
    let (deleted, done) = (Cell::new(false), Cell::new(false));
    let deletion = async {
        let answer = bob.client.delete("/v1/auth/me").await;
        deleted.set(true);
        answer
    };
    let others = async {
        wait_until_blocked(app, 1, &deleted).await;
        let answers = others.await;
        done.set(true);
        answers
    };
    let release = async {
        wait_until_blocked(app, 2, &done).await;
        held.rollback().await.expect("a rollback");
    };
    let (deletion, others, ()) = join3(deletion, others, release).await;
    (deletion, others)
}

#[tokio::test]
async fn user_being_deleted_does_not_become_owner() {
    let app = concurrent_app().await;
    let (ada, bob, cy) = (app.person("Ada").await, app.person("Bob").await, app.person("Cy").await);
    let path = ada.create_organization("Engines").await;
    for person in [&bob, &cy] {
        person.verify_address().await;
        ada.add(&path, person, "member").await;
    }

    let (deleted, (promoted, left)) = while_deleting(&app, &bob, async {
        let owner = json!({ "role": "owner" });
        let promoted = ada.client.patch(&format!("{path}/members/{}", bob.id), owner).await;
        (promoted, ada.client.delete(&format!("{path}/members/{}", ada.id)).await)
    })
    .await;

    assert_no_orphans(&app).await;
    deleted.ok(204);
    promoted.refused(404, "member-not-found");
    left.refused(409, "last-owner");
}

#[tokio::test]
async fn user_being_deleted_does_not_join_as_owner() {
    let app = concurrent_app().await;
    let (ada, bob, cy) = (app.person("Ada").await, app.person("Bob").await, app.person("Cy").await);
    bob.verify_address().await;
    cy.verify_address().await;
    let path = ada.create_organization("Engines").await;
    ada.add(&path, &cy, "member").await;
    let token = ada.invite(&path, &bob.email, "owner").await.token;

    let (deleted, (joined, left)) = while_deleting(&app, &bob, async {
        let joined = bob.accept(&token).await;
        (joined, ada.client.delete(&format!("{path}/members/{}", ada.id)).await)
    })
    .await;

    assert_no_orphans(&app).await;
    deleted.ok(204);
    joined.refused(401, "unauthenticated");
    left.refused(409, "last-owner");
}
