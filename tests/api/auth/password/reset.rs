use chrono::TimeDelta;
use harness::TestApp;
use serde_json::{Value, json};

const NEW_PASSWORD: &str = "an entirely different phrase";

fn reset(token: &str) -> Value {
    json!({ "token": token, "newPassword": NEW_PASSWORD })
}

#[tokio::test]
async fn password_reset_by_mail_ends_every_session() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let mail = app.mail_to(&ada.email);
    assert!(mail.text.contains("/reset-password?token=") && mail.html.contains("reset-password?token="));

    let token = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&token)).await.ok(204);
    assert_eq!(app.mail_to(&ada.email).subject, "Your password was changed");

    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    ada.refresh(&ada.refresh_token).await.refused(401, "invalid-refresh-token");
    let login = |password: &str| json!({ "email": ada.email, "password": password });
    let old = app.client().post("/v1/auth/login", login("correct horse battery staple")).await;
    old.refused(401, "wrong-credentials");
    let new = app.client().post("/v1/auth/login", login(NEW_PASSWORD)).await.ok(201);
    assert_eq!(new.body["data"]["user"]["emailVerified"], true, "a reset by mail verifies the address");
    app.client().post("/v1/auth/reset-password", reset(&token)).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn reset_link_expires_after_an_hour_or_with_a_new_password() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let ask = json!({ "email": ada.email });
    app.client().post("/v1/auth/forgot-password", ask.clone()).await.ok(202);
    let first = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/forgot-password", ask.clone()).await.ok(202);
    let second = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&second)).await.ok(204);
    app.client().post("/v1/auth/reset-password", reset(&first)).await.refused(422, "invalid-token");

    app.client().post("/v1/auth/forgot-password", ask).await.ok(202);
    app.clock.advance(TimeDelta::hours(1));
    let late = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&late)).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn mailed_token_is_valid_for_one_purpose_only() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let verification = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/reset-password", reset(&verification)).await.refused(422, "invalid-token");
    let token = json!({ "token": verification });
    for path in ["/v1/auth/confirm-email", "/v1/auth/magic-links/verify"] {
        app.client().post(path, token.clone()).await.refused(422, "invalid-token");
    }
    ada.client.post("/v1/invitations/accept", token.clone()).await.refused(422, "invalid-token");
    app.client().post("/v1/auth/verify-email", token).await.ok(200);
}

#[tokio::test]
async fn weak_new_password_is_refused_and_the_token_stays_valid() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let token = app.token_mailed_to(&ada.email);
    let weak = json!({ "token": token, "newPassword": "password1" });
    app.client().post("/v1/auth/reset-password", weak).await.refused(422, "invalid-body");
    app.client().post("/v1/auth/reset-password", reset(&token)).await.ok(204);
}
