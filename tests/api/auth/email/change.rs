use harness::TestApp;
use serde_json::{Value, json};

fn move_to(email: &str) -> Value {
    json!({ "newEmail": email, "currentPassword": "correct horse battery staple" })
}

#[tokio::test]
async fn address_changes_after_verification_and_the_old_one_is_notified() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let reset = app.token_mailed_to(&ada.email);
    ada.client.post("/v1/auth/change-email", move_to("countess@example.com")).await.ok(202);
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).text("/data/email"), ada.email);

    let token = json!({ "token": app.token_mailed_to("countess@example.com") });
    app.client().post("/v1/auth/confirm-email", token.clone()).await.ok(204);

    let me = ada.client.get("/v1/auth/me").await.ok(200);
    assert_eq!(
        (me.text("/data/email"), &me.body["data"]["emailVerified"]),
        ("countess@example.com", &json!(true))
    );
    assert_eq!(app.mail_to(&ada.email).subject, "Your e-mail address was changed");
    app.client().post("/v1/auth/confirm-email", token).await.refused(422, "invalid-token");
    let old = json!({ "token": reset, "newPassword": "an entirely different phrase" });
    app.client().post("/v1/auth/reset-password", old).await.refused(422, "invalid-token");
    let login = json!({ "email": "Countess@example.com", "password": "correct horse battery staple" });
    app.client().post("/v1/auth/login", login).await.ok(201);
}

#[tokio::test]
async fn changing_the_address_needs_the_password() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let before = app.mails().len();
    let wrong = json!({ "newEmail": "eve@example.com", "currentPassword": "not the password" });
    ada.client.post("/v1/auth/change-email", wrong).await.refused(403, "wrong-password");
    assert_eq!(app.mails().len(), before);
}

#[tokio::test]
async fn taken_address_gets_no_mail_and_the_answer_is_the_same() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let before = app.mails().len();
    ada.client.post("/v1/auth/change-email", move_to(&bob.email)).await.ok(202);
    assert_eq!(app.mails().len(), before);
}

#[tokio::test]
async fn address_taken_before_confirmation_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client.post("/v1/auth/change-email", move_to("wanted@example.com")).await.ok(202);
    let token = json!({ "token": app.token_mailed_to("wanted@example.com") });
    let taker = json!({ "name": "Bob", "email": "wanted@example.com", "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", taker).await.ok(201);
    app.client().post("/v1/auth/confirm-email", token).await.refused(409, "email-taken");
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).text("/data/email"), ada.email);
}

#[tokio::test]
async fn new_password_invalidates_a_pending_address_change() {
    let app = TestApp::new().await;
    let victim = app.verified_person("Victim").await;
    let wish = async || {
        let login = victim.sign_in_again().await;
        login.client.post("/v1/auth/change-email", move_to("mallory@example.com")).await.ok(202);
        json!({ "token": app.token_mailed_to("mallory@example.com") })
    };
    let token = wish().await;
    let change = json!({ "currentPassword": "correct horse battery staple", "newPassword": "correct horse battery staple!" });
    victim.client.post("/v1/auth/change-password", change).await.ok(204);
    app.client().post("/v1/auth/confirm-email", token).await.refused(422, "invalid-token");

    let back = json!({ "currentPassword": "correct horse battery staple!", "newPassword": "correct horse battery staple" });
    victim.client.post("/v1/auth/change-password", back).await.ok(204);
    let token = wish().await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": victim.email })).await.ok(202);
    let reset =
        json!({ "token": app.token_mailed_to(&victim.email), "newPassword": "an entirely different phrase" });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);
    app.client().post("/v1/auth/confirm-email", token).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn letter_case_of_the_own_address_can_be_changed() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let capitalized = format!("A{}", &ada.email[1..]);
    ada.client.post("/v1/auth/change-email", move_to(&capitalized)).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(&capitalized) });
    app.client().post("/v1/auth/confirm-email", token).await.ok(204);
    assert_eq!(ada.client.get("/v1/auth/me").await.ok(200).text("/data/email"), capitalized);
}
