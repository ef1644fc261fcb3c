//! The table of `docs/operations/providers.md`: each cell is a test.

mod linking;
mod lookup;
mod races;

use harness::{
    Answer, Client, Issuer, PASSWORD, TestApp,
    sign_in::{AtProvider, app_of, code, sign_in_with},
};
use serde_json::{Value, json};

const EXCHANGE: &str = "/v1/auth/oauth/exchange";
const ADDRESS: &str = "ada@issuer.example";

/// Signs in at `acme` as `ada`, with `changes` to the claims.
async fn sign_in(app: &TestApp, issuer: &Issuer, changes: &Value) -> Answer {
    sign_in_with(&app.client(), "acme", issuer, "ada", changes).await
}

/// Registers an account with the address of `ada` at the issuer. Returns its client.
async fn register(app: &TestApp, is_verified: bool) -> Client<'_> {
    let body = json!({ "name": "Ada", "email": ADDRESS, "password": PASSWORD });
    let answer = app.client().post("/v1/auth/register", body).await.ok(201);
    let client = app.client().token(answer.text("/data/accessToken"));
    if is_verified {
        let token = json!({ "token": app.token_mailed_to(ADDRESS) });
        client.post("/v1/auth/verify-email", token).await.ok(200);
    }
    client
}

/// Begins to link an identity as `client`. Returns the sign-in at the provider.
async fn begin_link<'a>(client: &Client<'a>) -> AtProvider<'a> {
    let begun = client.post("/v1/auth/accounts", json!({ "provider": "acme" })).await.ok(201);
    let url = begun.text("/data/authorizationUrl");
    let (page, query) = url.split_once('?').expect("a query");
    assert_eq!(page, "http://localhost:9000/v1/auth/oauth/acme/authorize");
    AtProvider::begin(client, "acme", &format!("?{query}")).await
}

/// Links the identity `subject` to the account of `client`.
async fn link(app: &TestApp, client: &Client<'_>, issuer: &Issuer, subject: &str) -> Answer {
    let flow = begin_link(client).await;
    let back = flow.come_back_as(app, issuer, subject, &json!({})).await;
    flow.browser.post(EXCHANGE, json!({ "code": code(&back) })).await
}

async fn identities(app: &TestApp) -> i64 {
    app.database.value("SELECT count(*) FROM identities").await
}

async fn suspend(app: &TestApp, user: &str) {
    let administrator = app.administrator("Grace").await;
    let because = json!({ "reason": "the test" });
    administrator.client.post(&format!("/v1/users/{user}/suspend"), because).await.ok(200);
}

async fn id_of(client: &Client<'_>) -> String {
    client.get("/v1/auth/me").await.ok(200).id().to_owned()
}

// Unknown identity.

#[tokio::test]
async fn new_person_with_a_proved_address_gets_a_verified_account() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;

    let answer = sign_in(&app, &issuer, &json!({})).await.ok(201);

    let user = &answer.body["data"]["user"];
    assert_eq!((&user["name"], &user["email"]), (&json!("Ada Lovelace"), &json!(ADDRESS)));
    assert_eq!(user["emailVerified"], true);
    assert!(app.mails().is_empty(), "nothing is left to verify");
    let client = app.client().token(answer.text("/data/accessToken"));
    let organizations = client.get("/v1/organizations").await.ok(200);
    assert_eq!(organizations.body["data"].as_array().expect("a list").len(), 1, "the personal one");
    let factors = "SELECT factors::text FROM sessions";
    assert_eq!(app.database.value::<String>(factors).await, "{provider}");
    let login = json!({ "email": ADDRESS, "password": PASSWORD });
    app.client().post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
}

#[tokio::test]
async fn new_person_with_an_unproved_address_gets_an_account_that_is_not_verified() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let answer = sign_in(&app, &issuer, &json!({ "email_verified": false, "name": null })).await.ok(201);
    let user = &answer.body["data"]["user"];
    assert_eq!((&user["emailVerified"], &user["name"]), (&json!(false), &json!("ada")));
    let token = json!({ "token": app.token_mailed_to(ADDRESS) });
    let client = app.client().token(answer.text("/data/accessToken"));
    client.post("/v1/auth/verify-email", token).await.ok(200);
    // The person who signed in there proved the address, so a sign-in by mail leaves the identity.
    app.client().post("/v1/auth/magic-links", json!({ "email": ADDRESS })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(ADDRESS) });
    app.client().post("/v1/auth/magic-links/verify", token).await.ok(201);
    sign_in(&app, &issuer, &json!({ "email_verified": false })).await.ok(201);
}

/// Otherwise a stranger who signed in with an unproved address could lock its owner out of the account.
#[tokio::test]
async fn account_of_an_unproved_identity_gets_no_second_factor() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let answer = sign_in(&app, &issuer, &json!({ "email_verified": false })).await.ok(201);
    let thief = app.client().token(answer.text("/data/accessToken"));
    // The owner of the address presses the button in a mail that they did not expect.
    let token = json!({ "token": app.token_mailed_to(ADDRESS) });
    app.client().post("/v1/auth/verify-email", token).await.ok(200);
    thief.post_nothing("/v1/auth/totp").await.refused(403, "address-not-proved");
}

#[tokio::test]
async fn new_person_without_a_usable_address_gets_no_account() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    for email in [Value::Null, json!("not an address"), json!("ädä@issuer.example"), json!("ada@localhost")]
    {
        let answer = sign_in(&app, &issuer, &json!({ "email": email })).await;
        answer.refused(409, "provider-address-needed");
    }
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn address_that_was_never_proved_goes_to_the_person_who_proves_it() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let before = register(&app, false).await;
    let id = id_of(&before).await;
    let other_link = app.token_mailed_to(ADDRESS);

    let answer = sign_in(&app, &issuer, &json!({})).await.ok(201);

    assert_eq!(answer.text("/data/user/id"), id);
    before.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let token = json!({ "token": other_link });
    app.client().post("/v1/auth/verify-email", token).await.refused(422, "invalid-token");
    sign_in(&app, &issuer, &json!({})).await.ok(201);
}

#[tokio::test]
async fn proved_address_of_an_account_is_offered_by_mail_and_nobody_is_signed_in() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let owner = register(&app, true).await;
    let before: i64 = app.database.value("SELECT count(*) FROM sessions").await;

    sign_in(&app, &issuer, &json!({ "email": "ADA@issuer.example" })).await.refused(409, "account-exists");

    assert_eq!(identities(&app).await, 0, "no silent link");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM sessions").await, before);
    let token = json!({ "token": app.token_mailed_to(ADDRESS) });
    app.client().post("/v1/auth/link-identity", token.clone()).await.ok(204);
    app.client().post("/v1/auth/link-identity", token).await.refused(422, "invalid-token");
    let signed_in = sign_in(&app, &issuer, &json!({})).await.ok(201);
    assert_eq!(signed_in.text("/data/user/id"), id_of(&owner).await);
    let linked =
        "SELECT count(*) FROM audit_events WHERE action = 'user.identity_linked' AND outcome = 'success'";
    assert_eq!(app.database.value::<i64>(linked).await, 1);
}

#[tokio::test]
async fn unproved_address_of_an_account_is_not_offered() {
    for is_verified in [true, false] {
        let issuer = Issuer::start().await;
        let app = app_of(&issuer).await;
        register(&app, is_verified).await;
        let mails = app.mails().len();
        let answer = sign_in(&app, &issuer, &json!({ "email_verified": false })).await;
        answer.refused(409, "account-exists");
        assert_eq!((app.mails().len(), identities(&app).await), (mails, 0));
    }
}

#[tokio::test]
async fn address_of_a_suspended_account_is_not_offered() {
    for is_verified in [true, false] {
        let issuer = Issuer::start().await;
        let app = app_of(&issuer).await;
        let client = register(&app, is_verified).await;
        suspend(&app, &id_of(&client).await).await;
        let mails = app.mails().len();
        sign_in(&app, &issuer, &json!({})).await.refused(409, "account-exists");
        assert_eq!((app.mails().len(), identities(&app).await), (mails, 0));
    }
}

#[tokio::test]
async fn address_of_a_deleted_account_is_free() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let client = register(&app, true).await;
    let id = id_of(&client).await;
    client.delete("/v1/auth/me").await.ok(204);
    let new = sign_in(&app, &issuer, &json!({})).await.ok(201);
    assert_ne!(new.text("/data/user/id"), id);
}

// Known identity.

#[tokio::test]
async fn known_identity_signs_in_whatever_its_address_is_now() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let first = sign_in(&app, &issuer, &json!({})).await.ok(201);
    register_other(&app, "other@issuer.example").await;
    for changes in [
        json!({ "email": "other@issuer.example" }),
        json!({ "email": null }),
        json!({ "email_verified": false }),
    ] {
        let again = sign_in(&app, &issuer, &changes).await.ok(201);
        assert_eq!(again.text("/data/user/id"), first.text("/data/user/id"), "{changes}");
        assert_eq!(again.text("/data/user/email"), ADDRESS, "the account keeps its address");
    }
    let accounts = app.client().token(first.text("/data/accessToken")).get("/v1/auth/accounts").await.ok(200);
    assert_eq!(accounts.body["data"][1]["email"], ADDRESS, "the last address that the provider named");
}

async fn register_other(app: &TestApp, email: &str) {
    let body = json!({ "name": "Other", "email": email, "password": PASSWORD });
    app.client().post("/v1/auth/register", body).await.ok(201);
}

#[tokio::test]
async fn identity_of_a_suspended_user_does_not_sign_in() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let first = sign_in(&app, &issuer, &json!({})).await.ok(201);
    suspend(&app, first.text("/data/user/id")).await;
    sign_in(&app, &issuer, &json!({})).await.refused(401, "wrong-sign-in-code");
    let denied = "SELECT count(*) FROM audit_events WHERE action = 'session.created' AND outcome = 'denied'";
    assert_eq!(app.database.value::<i64>(denied).await, 1);
}

#[tokio::test]
async fn identity_of_a_deleted_user_counts_as_unknown() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let first = sign_in(&app, &issuer, &json!({})).await.ok(201);
    app.client().token(first.text("/data/accessToken")).delete("/v1/auth/me").await.ok(204);
    let second = sign_in(&app, &issuer, &json!({})).await.ok(201);
    assert_ne!(second.text("/data/user/id"), first.text("/data/user/id"));
    assert_eq!(identities(&app).await, 1);
}

#[tokio::test]
async fn second_factor_is_asked_for_after_a_provider() {
    let issuer = Issuer::start().await;
    let app = app_of(&issuer).await;
    let ada = app.verified_person("Ada").await;
    link(&app, &ada.client, &issuer, "ada").await.ok(204);
    let factor = ada.add_authenticator().await;
    let before: i64 = app.database.value("SELECT count(*) FROM sessions").await;

    let needed = sign_in(&app, &issuer, &json!({})).await.ok(200);

    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM sessions").await, before);
    let token = needed.text("/data/challenge/token");
    let code = app.next_code(&factor.app);
    let signed_in = app.client().answer_challenge(token, "code", &code).await.ok(201);
    assert_eq!(signed_in.text("/data/user/id"), ada.id);
    let factors = "SELECT factors::text FROM sessions ORDER BY created_at DESC, id DESC LIMIT 1";
    assert_eq!(app.database.value::<String>(factors).await, "{provider,totp}");
}
