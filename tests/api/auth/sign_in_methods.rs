use chrono::TimeDelta;
use harness::{
    Issuer, Person, TestApp,
    sign_in::{app_of, sign_in_with},
};
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

#[tokio::test]
async fn identity_is_listed_and_removed_and_the_last_way_stays() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let unproved = json!({ "email_verified": false });
    let answer = sign_in_with(&app.client(), "acme", &issuer, "ada", &unproved).await.ok(201);
    let client = app.client().token(answer.text("/data/accessToken"));
    let list = client.get("/v1/auth/accounts").await.ok(200);
    let identity = &list.body["data"][0];
    for (member, value) in
        [("method", "provider"), ("provider", "acme"), ("label", "ACME"), ("email", "ada@issuer.example")]
    {
        assert_eq!(identity[member], value, "{identity}");
    }
    let path = format!("/v1/auth/accounts/{}", identity["id"].as_str().expect("an id"));
    client.delete(&path).await.refused(409, "last-account");

    let token = json!({ "token": app.token_mailed_to("ada@issuer.example") });
    client.post("/v1/auth/verify-email", token).await.ok(200);
    let other = sign_in_with(&app.client(), "acme", &issuer, "ada", &unproved).await.ok(201);
    client.delete(&path).await.ok(204);
    client.delete(&path).await.refused(404, "account-not-found");
    let ended = app.client().token(other.text("/data/accessToken"));
    ended.get("/v1/auth/me").await.refused(401, "unauthenticated");
    assert_eq!(app.mail_to("ada@issuer.example").subject, "A way to sign in was removed");
    sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.refused(409, "account-exists");
}

#[tokio::test]
async fn identities_of_others_cannot_be_removed() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.ok(201);
    let list = app.client().token(ada.text("/data/accessToken")).get("/v1/auth/accounts").await.ok(200);
    let path = format!("/v1/auth/accounts/{}", list.text("/data/1/id"));
    let bob = app.verified_person("Bob").await;
    bob.client.delete(&path).await.refused(404, "account-not-found");
    sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.ok(201);
}

#[tokio::test]
async fn adding_and_removing_an_identity_needs_a_recent_sign_in() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let answer = sign_in_with(&app.client(), "acme", &issuer, "ada", &json!({})).await.ok(201);
    let client = app.client().token(answer.text("/data/accessToken"));
    let list = client.get("/v1/auth/accounts").await.ok(200);
    let path = format!("/v1/auth/accounts/{}", list.text("/data/1/id"));
    app.clock.advance(TimeDelta::minutes(11));
    client.delete(&path).await.refused(401, "fresh-sign-in-needed");
    let body = json!({ "provider": "acme" });
    client.post("/v1/auth/accounts", body).await.refused(401, "fresh-sign-in-needed");
}

#[tokio::test]
async fn provider_that_is_not_offered_cannot_be_added() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    ada.client
        .post("/v1/auth/accounts", json!({ "provider": "nobody" }))
        .await
        .refused(404, "no-such-provider");
    let body = json!({ "provider": "Not A Name" });
    ada.client.post("/v1/auth/accounts", body).await.refused(422, "invalid-body");
}
