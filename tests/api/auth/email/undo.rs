use chrono::TimeDelta;
use harness::{Client, PASSWORD, Person, TestApp};
use serde_json::json;

const UNDO: &str = "/v1/auth/undo-email-change";

/// Moves the account of `person` to `to`, and returns the token that was mailed to `from`.
async fn move_account(app: &TestApp, client: &Client<'_>, from: &str, to: &str) -> String {
    let wish = json!({ "newEmail": to, "currentPassword": PASSWORD });
    client.post("/v1/auth/change-email", wish).await.ok(202);
    client.post("/v1/auth/confirm-email", json!({ "token": app.token_mailed_to(to) })).await.ok(204);
    app.token_mailed_to(from)
}

async fn undo(app: &TestApp, token: &str) -> harness::Answer {
    app.client().post(UNDO, json!({ "token": token })).await
}

/// Returns the address of the account.
async fn address(app: &TestApp, person: &Person<'_>) -> String {
    let email = sqlx::query_scalar("SELECT email FROM users WHERE id = $1::uuid").bind(&person.id);
    email.fetch_one(app.database.pool()).await.expect("the user")
}

#[tokio::test]
async fn old_address_takes_the_account_back() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let thief = ada.sign_in_again().await;
    let token = move_account(&app, &thief.client, &ada.email, "thief@example.com").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": "thief@example.com" })).await.ok(202);
    let reset = app.token_mailed_to("thief@example.com");

    undo(&app, &token).await.ok(204);

    assert_eq!(address(&app, &ada).await, ada.email);
    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    thief.refresh(&thief.refresh_token).await.refused(401, "invalid-refresh-token");
    for email in [&*ada.email, "thief@example.com"] {
        let login = json!({ "email": email, "password": PASSWORD });
        app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    }
    let reset = json!({ "token": reset, "newPassword": "the thief's own phrase" });
    app.client().post("/v1/auth/reset-password", reset).await.refused(422, "invalid-token");
    undo(&app, &token).await.refused(422, "invalid-token");
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let new = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": "the owner's own phrase" });
    app.client().post("/v1/auth/reset-password", new).await.ok(204);
}

#[tokio::test]
async fn link_to_the_old_address_works_for_seven_days() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let adas = move_account(&app, &ada.client, &ada.email, "countess@example.com").await;
    let bobs = move_account(&app, &bob.client, &bob.email, "robert@example.com").await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    undo(&app, &adas).await.ok(204);
    app.clock.advance(TimeDelta::seconds(1));
    undo(&app, &bobs).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn first_address_takes_the_account_back_through_any_number_of_moves() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let owners = move_account(&app, &ada.client, &ada.email, "first@example.com").await;
    app.clock.advance(TimeDelta::minutes(1));
    let thiefs = move_account(&app, &ada.client, "first@example.com", "second@example.com").await;
    app.clock.advance(TimeDelta::minutes(1));
    // What a thief can do with a session: it must not end the owner's link.
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "an entirely different phrase" });
    ada.client.post("/v1/auth/change-password", change).await.ok(204);
    ada.client.post_nothing("/v1/auth/logout-all").await.ok(204);

    undo(&app, &thiefs).await.ok(204);
    assert_eq!(address(&app, &ada).await, "first@example.com");
    undo(&app, &owners).await.ok(204);
    assert_eq!(address(&app, &ada).await, ada.email);
}

#[tokio::test]
async fn taking_the_account_back_ends_the_links_of_later_moves() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let owners = move_account(&app, &ada.client, &ada.email, "first@example.com").await;
    app.clock.advance(TimeDelta::minutes(1));
    let thiefs = move_account(&app, &ada.client, "first@example.com", "second@example.com").await;
    undo(&app, &owners).await.ok(204);
    undo(&app, &thiefs).await.refused(422, "invalid-token");
    assert_eq!(address(&app, &ada).await, ada.email);
}

#[tokio::test]
async fn address_that_another_account_has_by_now_is_not_taken_back() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let token = move_account(&app, &ada.client, &ada.email, "countess@example.com").await;
    let taker = json!({ "name": "Eve", "email": ada.email, "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", taker).await.ok(201);
    undo(&app, &token).await.refused(409, "email-taken");

    // The reader of the address frees it.
    let verification = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/reject-link", verification).await.ok(204);
    undo(&app, &token).await.ok(204);
    assert_eq!(address(&app, &ada).await, ada.email);
}

#[tokio::test]
async fn address_that_was_never_verified_gets_no_link_to_the_account() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let wish = json!({ "newEmail": "right@example.com", "currentPassword": PASSWORD });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("right@example.com") });
    ada.client.post("/v1/auth/confirm-email", token).await.ok(204);
    let notice = app.mail_to(&ada.email);
    assert_eq!(notice.subject, "Your e-mail address was changed");
    assert!(!notice.text.contains("token="), "{}", notice.text);
}
