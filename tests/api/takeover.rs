//! An account is stolen and given back: the steps of "An account was taken over" in `docs/administration.md`.

use harness::{
    Answer, Client, Issuer, PASSWORD, Person, TestApp,
    sign_in::{AtProvider, app_of, code, sign_in_with},
};
use serde_json::{Value, json};

const THIEFS_PASSWORD: &str = "the thief's own phrase";
const THIEF: &str = "thief@example.com";

/// What the thief has: a session, and everything that was mailed to their address.
struct Loot<'a> {
    session: Client<'a>,
    refresh_token: String,
    reset: String,
    magic_link: String,
    code: String,
    undo: String,
}

/// The thief signs in with the stolen password, changes the password, moves the account twice, and requests every mail.
async fn steal<'a>(app: &'a TestApp, ada: &Person<'a>) -> Loot<'a> {
    let thief = ada.sign_in_again().await;
    let move_to = async |email: &str| {
        let wish = json!({ "newEmail": email, "currentPassword": PASSWORD });
        thief.client.post("/v1/auth/change-email", wish).await.ok(202);
        let proof = json!({ "token": app.token_mailed_to(email) });
        thief.client.post("/v1/auth/confirm-email", proof).await.ok(204);
    };
    move_to("thief.first@example.com").await;
    move_to(THIEF).await;
    let undo = app.token_mailed_to("thief.first@example.com");
    let change = json!({ "currentPassword": PASSWORD, "newPassword": THIEFS_PASSWORD });
    thief.client.post("/v1/auth/change-password", change).await.ok(204);
    app.client().post("/v1/auth/forgot-password", json!({ "email": THIEF })).await.ok(202);
    let reset = app.token_mailed_to(THIEF);
    app.client().post("/v1/auth/magic-links", json!({ "email": THIEF })).await.ok(202);
    Loot {
        session: thief.client,
        refresh_token: thief.refresh_token,
        reset,
        magic_link: app.token_mailed_to(THIEF),
        code: app.code_mailed_to(THIEF),
        undo,
    }
}

/// Tries everything that the thief has.
async fn assert_thief_is_out(app: &TestApp, ada: &Person<'_>, loot: &Loot<'_>) {
    let post = async |path: &str, body: Value| -> Answer { app.client().post(path, body).await };
    loot.session.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let refresh = json!({ "refreshToken": loot.refresh_token });
    post("/v1/auth/refresh", refresh).await.refused(401, "invalid-refresh-token");
    for email in [&*ada.email, THIEF, "thief.first@example.com"] {
        for password in [PASSWORD, THIEFS_PASSWORD] {
            let login = json!({ "email": email, "password": password });
            post("/v1/auth/login", login).await.refused(401, "wrong-credentials");
        }
    }
    let reset = json!({ "token": loot.reset, "newPassword": THIEFS_PASSWORD });
    post("/v1/auth/reset-password", reset).await.refused(422, "invalid-token");
    let magic_link = json!({ "token": loot.magic_link });
    post("/v1/auth/magic-links/verify", magic_link).await.refused(422, "invalid-token");
    for email in [THIEF, &*ada.email] {
        let code = json!({ "email": email, "code": loot.code });
        post("/v1/auth/magic-links/verify", code).await.refused(422, "invalid-code");
    }
    let undo = json!({ "token": loot.undo });
    post("/v1/auth/undo-email-change", undo).await.refused(422, "invalid-token");
    let before = app.mails().len();
    post("/v1/auth/forgot-password", json!({ "email": THIEF })).await.ok(202);
    post("/v1/auth/magic-links", json!({ "email": THIEF })).await.ok(202);
    assert_eq!(app.mails().len(), before, "the thief's address gets no mail any more");
}

#[tokio::test]
async fn stolen_account_goes_back_to_its_owner_and_nothing_of_the_thief_works() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let grace = app.administrator("Grace").await;
    let loot = steal(&app, &ada).await;
    let user = format!("/v1/users/{}", ada.id);

    // 1. Stop the thief.
    let reason = json!({ "reason": "taken over" });
    grace.client.post(&format!("{user}/suspend"), reason).await.ok(200);
    loot.session.get("/v1/auth/me").await.refused(401, "unauthenticated");
    // 3. Give the account back.
    let recovery = json!({ "email": ada.email });
    let recovered = grace.client.post(&format!("{user}/recover"), recovery).await.ok(200);
    assert_eq!(recovered.text("/data/email"), ada.email);
    assert_eq!(recovered.body["data"]["emailVerified"], false);
    assert!(recovered.body["data"]["suspendedAt"].is_string(), "the suspension stays");
    // An old account must not be erased as never verified before its owner gets in.
    let restored =
        "SELECT count(*) FROM users WHERE email_verified_at IS NULL AND restored_at > '2026-01-02'";
    assert_eq!(app.database.value::<i64>(restored).await, 1);
    let way_in = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": "the owner's own phrase" });
    app.client().post("/v1/auth/reset-password", way_in.clone()).await.refused(422, "invalid-token");
    // 4. End the suspension.
    grace.client.post_nothing(&format!("{user}/restore")).await.ok(200);

    assert_thief_is_out(&app, &ada, &loot).await;
    app.client().post("/v1/auth/reset-password", way_in).await.ok(204);
    let login = json!({ "email": ada.email, "password": "the owner's own phrase" });
    let owner = app.client().post("/v1/auth/login", login).await.ok(201);
    assert_eq!(owner.body["data"]["user"]["emailVerified"], true);
    app.client().token(owner.text("/data/accessToken")).get(&team).await.ok(200);
    assert_thief_is_out(&app, &ada, &loot).await;
    let log = grace.client.get("/v1/audit-events?action=user.recovered").await.ok(200);
    assert_eq!((log.text("/data/0/actorId"), log.text("/data/0/targetId")), (&*grace.id, &*ada.id));
}

#[tokio::test]
async fn account_that_still_has_its_address_is_recovered_in_place() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let recovered = grace.client.post(&format!("/v1/users/{}/recover", ada.id), json!({})).await.ok(200);
    assert_eq!(recovered.body["data"]["emailVerified"], true);
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let way_in = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": PASSWORD });
    app.client().post("/v1/auth/reset-password", way_in).await.ok(204);
    ada.sign_in_again().await;
}

#[tokio::test]
async fn recovery_refuses_the_own_account_a_taken_address_and_an_account_that_ended() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let grace = app.administrator("Grace").await;
    let recover =
        async |id: &str, body: Value| grace.client.post(&format!("/v1/users/{id}/recover"), body).await;
    recover(&grace.id, json!({})).await.refused(409, "own-account");
    recover(&ada.id, json!({ "email": bob.email })).await.refused(409, "email-taken");
    // A refused recovery changes nothing.
    ada.sign_in_again().await;
    grace.client.delete(&format!("/v1/users/{}", ada.id)).await.ok(204);
    recover(&ada.id, json!({})).await.refused(409, "user-deleted");
    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);
    recover(&ada.id, json!({})).await.refused(409, "user-erased");
    recover("019b7c7f-0000-7000-8000-000000000000", json!({})).await.refused(404, "user-not-found");
}

/// The thief links an identity, to come back with it.
#[tokio::test]
async fn identity_that_a_thief_linked_goes_when_the_account_is_taken_back() {
    for by_administrator in [true, false] {
        let issuer = Issuer::start().await;
        let app = app_of(&issuer).await;
        let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
        let thief = ada.sign_in_again().await;
        let begun = thief.client.post("/v1/auth/accounts", json!({ "provider": "acme" })).await.ok(201);
        let (_, query) = begun.text("/data/authorizationUrl").split_once('?').expect("a query");
        let flow = AtProvider::begin(&thief.client, "acme", &format!("?{query}")).await;
        let back = flow.come_back_as(&app, &issuer, "thief", &json!({})).await;
        flow.browser.post("/v1/auth/oauth/exchange", json!({ "code": code(&back) })).await.ok(204);
        assert_eq!(app.mail_to(&ada.email).subject, "A way to sign in was added");
        if by_administrator {
            let user = format!("/v1/users/{}", ada.id);
            grace.client.post(&format!("{user}/recover"), json!({})).await.ok(200);
        } else {
            let wish = json!({ "newEmail": THIEF, "currentPassword": PASSWORD });
            thief.client.post("/v1/auth/change-email", wish).await.ok(202);
            let proof = json!({ "token": app.token_mailed_to(THIEF) });
            thief.client.post("/v1/auth/confirm-email", proof).await.ok(204);
            let undo = json!({ "token": app.token_mailed_to(&ada.email) });
            app.client().post("/v1/auth/undo-email-change", undo).await.ok(204);
        }
        let again = sign_in_with(&app.client(), "acme", &issuer, "thief", &json!({})).await.ok(201);
        assert_ne!(again.text("/data/user/id"), ada.id, "it is a new person now");
    }
}
