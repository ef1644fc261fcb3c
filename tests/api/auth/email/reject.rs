use harness::{PASSWORD, TestApp};
use serde_json::json;

const REJECT: &str = "/v1/auth/reject-link";

#[tokio::test]
async fn reader_of_a_mail_ends_an_account_that_a_stranger_registered_with_the_address() {
    let app = TestApp::new().await;
    let thief = app.person("Victim").await;
    let token = json!({ "token": app.token_mailed_to(&thief.email) });

    app.client().post(REJECT, token.clone()).await.ok(204);

    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    thief.refresh(&thief.refresh_token).await.refused(401, "invalid-refresh-token");
    let login = json!({ "email": thief.email, "password": PASSWORD });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    app.client().post(REJECT, token.clone()).await.refused(422, "invalid-token");
    app.client().post("/v1/auth/verify-email", token).await.refused(422, "invalid-token");
    let owner = json!({ "name": "Owner", "email": thief.email, "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", owner).await.ok(201);

    // The stranger's password does not come back with the account.
    let grace = app.administrator("Grace").await;
    let rejected = grace.client.get("/v1/audit-events?action=user.link_rejected").await.ok(200);
    assert_eq!(rejected.text("/data/0/targetId"), thief.id);
    let kept: bool = app
        .database
        .value("SELECT bool_or(password_hash IS NOT NULL) FROM users WHERE deleted_at IS NOT NULL")
        .await;
    assert!(!kept);
}

#[tokio::test]
async fn account_with_a_verified_address_survives_a_rejected_mail() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client.post_nothing("/v1/auth/request-verification").await.ok(202);
    let second = json!({ "token": app.token_mailed_to(&ada.email) });
    app.database.execute("UPDATE users SET email_verified_at = created_at").await;
    app.client().post(REJECT, second).await.ok(204);
    ada.client.get("/v1/auth/me").await.ok(200);
    ada.sign_in_again().await;
}

#[tokio::test]
async fn rejected_change_of_address_does_not_happen() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let wish = json!({ "newEmail": "strangers@example.com", "currentPassword": PASSWORD });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("strangers@example.com") });
    app.client().post(REJECT, token.clone()).await.ok(204);
    ada.client.post("/v1/auth/confirm-email", token).await.refused(422, "invalid-token");
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).text("/data/email"), ada.email);
}

#[tokio::test]
async fn link_that_signs_in_or_sets_a_password_cannot_be_rejected() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    for path in ["/v1/auth/forgot-password", "/v1/auth/magic-links"] {
        app.client().post(path, json!({ "email": ada.email })).await.ok(202);
        let token = json!({ "token": app.token_mailed_to(&ada.email) });
        app.client().post(REJECT, token).await.refused(422, "invalid-token");
    }
}
