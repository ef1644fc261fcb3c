use chrono::TimeDelta;
use harness::{Person, TestApp};
use serde_json::json;

const PASSWORD: &str = "/v1/auth/accounts/password";

async fn methods(person: &Person<'_>) -> Vec<String> {
    let page = person.client.get("/v1/auth/accounts").await.ok(200);
    let methods = page.body["data"].as_array().expect("a list").clone();
    methods.iter().map(|method| method["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn user_with_verified_address_can_remove_the_password() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    assert_eq!(methods(&ada).await, ["password", "email"]);

    ada.client.delete(PASSWORD).await.ok(204);

    assert_eq!(methods(&ada).await, ["email"]);
    let login = json!({ "email": ada.email, "password": "correct horse battery staple" });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let link = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/magic-links/verify", link).await.ok(201);
    ada.client.delete(PASSWORD).await.refused(404, "account-not-found");
    ada.client.delete("/v1/auth/accounts/email").await.refused(409, "last-account");
}

#[tokio::test]
async fn last_sign_in_method_and_mail_cannot_be_removed() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    assert_eq!(methods(&ada).await, ["password"]);
    app.client().delete(PASSWORD).await.refused(401, "unauthenticated");
    ada.client.delete(PASSWORD).await.refused(409, "last-account");
    ada.client.delete("/v1/auth/accounts/email").await.refused(404, "account-not-found");
    bob.client.delete("/v1/auth/accounts/email").await.refused(409, "address-needed");
    bob.client.delete("/v1/auth/accounts/github").await.refused(404, "no-such-route");
}

#[tokio::test]
async fn removing_a_password_needs_it_or_a_recent_sign_in() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.clock.advance(TimeDelta::minutes(11));
    ada.client.delete(PASSWORD).await.refused(401, "fresh-sign-in-needed");
    let wrong = json!({ "currentPassword": "not the password" });
    ada.client.delete_with(PASSWORD, wrong).await.refused(403, "wrong-password");
    let right = json!({ "currentPassword": "correct horse battery staple" });
    ada.client.delete_with(PASSWORD, right).await.ok(204);
}

#[tokio::test]
async fn removing_a_password_ends_other_sessions_and_tells_the_owner() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let other = ada.sign_in_again().await;
    ada.client.delete(PASSWORD).await.ok(204);
    ada.client.get("/v1/auth/me").await.ok(200);
    other.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    assert_eq!(app.mail_to(&ada.email).subject, "Your password was removed");
}
