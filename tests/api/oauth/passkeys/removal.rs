//! The end of passkeys.

use harness::{Passkey, Person, TestApp};
use serde_json::json;

async fn create(app: &TestApp) -> (Person<'_>, Passkey, String) {
    let ada = app.verified_person("Ada").await;
    let passkey = ada.add_passkey("Phone").await;
    let id = app.database.value::<String>("SELECT id::text FROM passkeys").await;
    (ada, passkey, id)
}

/// Checks that the passkey does not sign in.
async fn assert_removed(app: &TestApp, passkey: &Passkey) {
    let begun = app.client().begin_passkey_sign_in().await;
    let credential = passkey.sign(&begun["publicKey"], |_| ());
    app.client().finish_passkey_sign_in(&begun, &credential).await.refused(401, "wrong-passkey");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM passkeys").await, 0);
}

#[tokio::test]
async fn removed_passkey_does_not_sign_in_and_ends_other_sessions() {
    for collection in ["passkeys", "accounts"] {
        let app = TestApp::new().await;
        let (ada, passkey, id) = create(&app).await;
        let (other, code) = (ada.sign_in_again().await, app.client().passkey_code(&passkey).await);
        ada.client.delete(&format!("/v1/auth/{collection}/{id}")).await.ok(204);
        assert_removed(&app, &passkey).await;
        other.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
        // Also not with a code that it got before.
        let exchange = app.client().post("/v1/auth/oauth/exchange", json!({ "passkeyCode": code })).await;
        exchange.refused(401, "wrong-sign-in-code");
        assert_eq!(app.mail_to(&ada.email).subject, "A passkey was removed");
        ada.client.delete(&format!("/v1/auth/passkeys/{id}")).await.refused(404, "passkey-not-found");
        ada.client.delete(&format!("/v1/auth/accounts/{id}")).await.refused(404, "account-not-found");
    }
}

#[tokio::test]
async fn administrator_removes_passkeys_as_second_factors() {
    let app = TestApp::new().await;
    let (ada, passkey, _) = create(&app).await;
    let grace = app.administrator("Grace").await;
    grace.client.delete(&format!("/v1/users/{}/factors", ada.id)).await.ok(200);
    assert_removed(&app, &passkey).await;
    assert_eq!(app.mail_to(&ada.email).subject, "Your second factor was removed");
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn account_that_is_taken_back_loses_its_passkeys() {
    let app = TestApp::new().await;
    let (ada, passkey, _) = create(&app).await;
    let grace = app.administrator("Grace").await;
    grace.client.post(&format!("/v1/users/{}/recover", ada.id), json!({})).await.ok(200);
    assert_removed(&app, &passkey).await;

    let app = TestApp::new().await;
    let (ada, passkey, _) = create(&app).await;
    ada.sign_in_elsewhere().await;
    let token = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/reject-sign-in", token).await.ok(204);
    assert_removed(&app, &passkey).await;

    let app = TestApp::new().await;
    let (ada, passkey, _) = create(&app).await;
    let wish = json!({ "newEmail": "moved@example.com", "currentPassword": harness::PASSWORD });
    ada.client.post("/v1/auth/change-email", wish).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("moved@example.com") });
    ada.client.post("/v1/auth/confirm-email", token).await.ok(204);
    let token = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/undo-email-change", token).await.ok(204);
    assert_removed(&app, &passkey).await;
}
