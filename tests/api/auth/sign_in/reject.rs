//! `POST /v1/auth/reject-sign-in`: "This was not me".

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{Answer, Client, PASSWORD, Person, TestApp};
use serde_json::{Value, json};

const REJECT: &str = "/v1/auth/reject-sign-in";
const NEW_PASSWORD: &str = "the owner's own phrase";
const THIEFS_PASSWORD: &str = "the thief's own phrase";

async fn reject(app: &TestApp, token: &str) -> Answer {
    app.client().post(REJECT, json!({ "token": token })).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    app.client().post("/v1/auth/login", json!({ "email": email, "password": password })).await
}

/// Chooses a new password with the link in the newest mail to `email`.
async fn choose_password(app: &TestApp, email: &str) {
    let new = json!({ "token": app.token_mailed_to(email), "newPassword": NEW_PASSWORD });
    app.client().post("/v1/auth/reset-password", new).await.ok(204);
}

/// Signs in from a new device. Returns the session, and the token in the mail about it.
async fn steal<'a>(app: &TestApp, ada: &Person<'a>) -> (Person<'a>, String) {
    let thief = ada.sign_in_elsewhere().await;
    (thief, app.token_mailed_to(&ada.email))
}

/// Moves the account of the sender to `to`.
async fn move_account(app: &TestApp, client: &Client<'_>, to: &str) {
    let wish = json!({ "newEmail": to, "currentPassword": PASSWORD });
    client.post("/v1/auth/change-email", wish).await.ok(202);
    client.post("/v1/auth/confirm-email", json!({ "token": app.token_mailed_to(to) })).await.ok(204);
}

async fn address(app: &TestApp, person: &Person<'_>) -> String {
    let email = sqlx::query_scalar("SELECT email FROM users WHERE id = $1::uuid").bind(&person.id);
    email.fetch_one(app.database.pool()).await.expect("the user")
}

#[tokio::test]
async fn rejected_sign_in_ends_all_access_and_leads_to_a_new_password() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    app.clock.advance(TimeDelta::seconds(1));
    let (thief, token) = steal(&app, &ada).await;
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let link = json!({ "token": app.token_mailed_to(&ada.email) });
    let before = app.mail_count(&ada.email);
    app.clock.advance(TimeDelta::seconds(1));

    let answer = reject(&app, &token).await.ok(204);

    // Who finds the mail gets nothing: the way in is in another mail.
    assert_eq!((&answer.body, answer.headers.contains_key("set-cookie")), (&Value::Null, false));
    for person in [&ada, &thief] {
        person.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
        person.refresh(&person.refresh_token).await.refused(401, "invalid-refresh-token");
    }
    login(&app, &ada.email, PASSWORD).await.refused(401, "wrong-credentials");
    app.client().post("/v1/auth/magic-links/verify", link).await.refused(422, "invalid-token");
    assert_eq!(app.mail_count(&ada.email), before + 1);
    assert!(app.mail_to(&ada.email).text.contains("/reset-password?token="));
    choose_password(&app, &ada.email).await;
    let owner = login(&app, &ada.email, NEW_PASSWORD).await.ok(201);
    // The device of the thief is new again.
    let count = app.mail_count(&ada.email);
    for (device, mails) in [(&*thief.device_token, 1), (owner.text("/data/deviceToken"), 1)] {
        let known = json!({ "email": ada.email, "password": NEW_PASSWORD, "deviceToken": device });
        app.client().post("/v1/auth/login", known).await.ok(201);
        assert_eq!(app.mail_count(&ada.email), count + mails);
    }
    let log = app.client().token(owner.text("/data/accessToken"));
    let log = log.get("/v1/auth/me/audit-events?action=user.sign_in_rejected").await.ok(200);
    assert_eq!(log.text("/data/0/targetId"), ada.id);
}

#[tokio::test]
async fn sign_in_is_rejected_once_within_seven_days_and_only_with_its_own_token() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let (_, adas) = steal(&app, &ada).await;
    let (_, bobs) = steal(&app, &bob).await;
    reject(&app, &"A".repeat(43)).await.refused(422, "invalid-token");
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    reject(&app, &adas).await.ok(204);
    reject(&app, &adas).await.refused(422, "invalid-token");
    app.clock.advance(TimeDelta::seconds(1));
    reject(&app, &bobs).await.refused(422, "invalid-token");
    login(&app, &bob.email, PASSWORD).await.ok(201);
    let refused = "SELECT string_agg(target_id::text, ' ' ORDER BY id) FROM audit_events
                   WHERE action = 'user.sign_in_rejected' AND outcome = 'denied'";
    assert_eq!(app.database.value::<String>(refused).await, format!("{} {}", ada.id, bob.id));
}

#[tokio::test]
async fn token_about_a_sign_in_does_nothing_else_and_no_other_token_rejects_one() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (thief, token) = steal(&app, &ada).await;
    for path in ["verify-email", "confirm-email", "undo-email-change", "reject-link", "magic-links/verify"] {
        let body = json!({ "token": token });
        app.client().post(&format!("/v1/auth/{path}"), body).await.refused(422, "invalid-token");
    }
    let reset = json!({ "token": token, "newPassword": NEW_PASSWORD });
    app.client().post("/v1/auth/reset-password", reset).await.refused(422, "invalid-token");
    for path in ["forgot-password", "magic-links"] {
        app.client().post(&format!("/v1/auth/{path}"), json!({ "email": ada.email })).await.ok(202);
        reject(&app, &app.token_mailed_to(&ada.email)).await.refused(422, "invalid-token");
    }
    thief.client.get("/v1/auth/me").await.ok(200);
    reject(&app, &token).await.ok(204);
}

#[tokio::test]
async fn thief_who_changes_the_account_does_not_end_the_link() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (thief, token) = steal(&app, &ada).await;
    app.clock.advance(TimeDelta::minutes(1));
    move_account(&app, &thief.client, "thief@example.com").await;
    let change = json!({ "currentPassword": PASSWORD, "newPassword": THIEFS_PASSWORD });
    thief.client.post("/v1/auth/change-password", change).await.ok(204);
    app.clock.advance(TimeDelta::minutes(1));
    login(&app, "thief@example.com", THIEFS_PASSWORD).await.ok(201);
    let thiefs = app.token_mailed_to("thief@example.com");
    app.client().post("/v1/auth/forgot-password", json!({ "email": "thief@example.com" })).await.ok(202);
    let reset = app.token_mailed_to("thief@example.com");
    thief.client.post_nothing("/v1/auth/logout-all").await.ok(204);

    reject(&app, &token).await.ok(204);

    assert_eq!(address(&app, &ada).await, ada.email);
    for (email, password) in
        [(&*ada.email, PASSWORD), (&ada.email, THIEFS_PASSWORD), ("thief@example.com", THIEFS_PASSWORD)]
    {
        login(&app, email, password).await.refused(401, "wrong-credentials");
    }
    reject(&app, &thiefs).await.refused(422, "invalid-token");
    let reset = json!({ "token": reset, "newPassword": THIEFS_PASSWORD });
    app.client().post("/v1/auth/reset-password", reset).await.refused(422, "invalid-token");
    choose_password(&app, &ada.email).await;
    login(&app, &ada.email, NEW_PASSWORD).await.ok(201);
}

#[tokio::test]
async fn thief_with_a_new_address_cannot_end_the_links_to_the_old_one() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (thief, token) = steal(&app, &ada).await;
    app.clock.advance(TimeDelta::minutes(1));
    move_account(&app, &thief.client, "thief@example.com").await;
    let undo = app.token_mailed_to(&ada.email);
    app.clock.advance(TimeDelta::minutes(1));
    login(&app, "thief@example.com", PASSWORD).await.ok(201);
    reject(&app, &app.token_mailed_to("thief@example.com")).await.ok(204);
    assert_eq!(address(&app, &ada).await, "thief@example.com");
    choose_password(&app, "thief@example.com").await;

    reject(&app, &token).await.ok(204);

    assert_eq!(address(&app, &ada).await, ada.email);
    // The account is back: nothing is left to undo.
    let undo = json!({ "token": undo });
    app.client().post("/v1/auth/undo-email-change", undo).await.refused(422, "invalid-token");
}

#[tokio::test]
async fn taking_the_account_back_ends_the_links_about_the_sign_ins_of_the_thief() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (thief, adas) = steal(&app, &ada).await;
    app.clock.advance(TimeDelta::minutes(1));
    move_account(&app, &thief.client, "thief@example.com").await;
    let undo = json!({ "token": app.token_mailed_to(&ada.email) });
    app.clock.advance(TimeDelta::minutes(1));
    login(&app, "thief@example.com", PASSWORD).await.ok(201);
    let thiefs = app.token_mailed_to("thief@example.com");

    app.client().post("/v1/auth/undo-email-change", undo).await.ok(204);

    for token in [thiefs, adas] {
        reject(&app, &token).await.refused(422, "invalid-token");
    }
    assert_eq!(address(&app, &ada).await, ada.email);
}

#[tokio::test]
async fn account_does_not_move_back_to_an_address_that_another_account_has() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (thief, token) = steal(&app, &ada).await;
    move_account(&app, &thief.client, "thief@example.com").await;
    let taker = json!({ "name": "Eve", "email": ada.email, "password": "a long enough phrase" });
    app.client().post("/v1/auth/register", taker).await.ok(201);
    reject(&app, &token).await.refused(409, "email-taken");

    let verification = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/reject-link", verification).await.ok(204);
    reject(&app, &token).await.ok(204);
    assert_eq!(address(&app, &ada).await, ada.email);
}

#[tokio::test]
async fn old_mails_are_worth_nothing_after_a_new_password() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (_, first) = steal(&app, &ada).await;
    let (_, second) = steal(&app, &ada).await;
    app.clock.advance(TimeDelta::minutes(1));
    let (_, third) = steal(&app, &ada).await;
    // One of them ends the others, so it takes one new password to be rid of all.
    reject(&app, &second).await.ok(204);
    for token in [&first, &third] {
        reject(&app, token).await.refused(422, "invalid-token");
    }
    choose_password(&app, &ada.email).await;

    let new = json!({ "email": ada.email, "password": NEW_PASSWORD });
    app.client().post("/v1/auth/login", new.clone()).await.ok(201);
    let fourth = app.token_mailed_to(&ada.email);
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    choose_password(&app, &ada.email).await;
    reject(&app, &fourth).await.refused(422, "invalid-token");
    app.client().post("/v1/auth/login", new).await.ok(201);
}

#[tokio::test]
async fn finder_of_an_old_mail_keeps_the_owner_out_for_no_longer_than_a_mail_takes() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (_, token) = steal(&app, &ada).await;
    // A stranger uses up the mails with a link for a new password.
    let strangers: Vec<_> = (0..8).map(|_| app.client()).collect();
    let ask = json!({ "email": ada.email });
    join_all(strangers.iter().map(|client| client.post("/v1/auth/forgot-password", ask.clone()))).await;
    let before = app.mail_count(&ada.email);
    reject(&app, &token).await.ok(204);
    assert_eq!(app.mail_count(&ada.email), before + 1);
    choose_password(&app, &ada.email).await;
    login(&app, &ada.email, NEW_PASSWORD).await.ok(201);
}

#[tokio::test]
async fn suspended_or_deleted_account_is_not_changed() {
    let app = TestApp::new().await;
    let (ada, bob, grace) = (
        app.verified_person("Ada").await,
        app.verified_person("Bob").await,
        app.administrator("Grace").await,
    );
    let (_, adas) = steal(&app, &ada).await;
    let (_, bobs) = steal(&app, &bob).await;
    let user = format!("/v1/users/{}", ada.id);
    grace.client.post(&format!("{user}/suspend"), json!({ "reason": "abuse" })).await.ok(200);
    bob.client.delete("/v1/auth/me").await.ok(204);
    let before = app.mails().len();
    for token in [&adas, &bobs] {
        reject(&app, token).await.refused(422, "invalid-token");
    }
    assert_eq!(app.mails().len(), before);
    grace.client.post_nothing(&format!("{user}/restore")).await.ok(200);
    reject(&app, &adas).await.ok(204);
}

#[tokio::test]
async fn stopped_address_gets_no_way_in_and_the_sign_in_is_rejected() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let (thief, token) = steal(&app, &ada).await;
    app.stop_mail(&ada.email, "complaint").await;
    let before = app.mail_count(&ada.email);
    reject(&app, &token).await.ok(204);
    assert_eq!(app.mail_count(&ada.email), before);
    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn rejected_sign_in_leaves_the_second_factor_and_ends_what_waits_for_it() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let thief = ada.sign_in_with(&factor.app).await;
    let token = app.token_mailed_to(&ada.email);
    let before = app.mail_count(&ada.email);
    let waiting = app.challenge(&ada.email).await;
    assert_eq!(app.mail_count(&ada.email), before, "nobody is signed in yet");

    reject(&app, &token).await.ok(204);

    thief.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    let code = app.next_code(&factor.app);
    app.client().answer_challenge(&waiting, "code", &code).await.refused(401, "challenge-ended");
    choose_password(&app, &ada.email).await;
    login(&app, &ada.email, NEW_PASSWORD).await.ok(200);
}
