use harness::{Authenticator, PASSWORD, TestApp};
use serde_json::json;
use shared::domain::clock::Clock;

use super::{CODES, CONFIRM, LOGIN, TOTP};

#[tokio::test]
async fn app_is_asked_for_as_soon_as_it_is_confirmed() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let phone = ada.sign_in_again().await;
    let started = ada.client.post_nothing(TOTP).await.ok(201);
    let authenticator = Authenticator::new(started.text("/data/secret"));
    let (uri, secret) = (started.text("/data/uri"), started.text("/data/secret"));
    assert!(uri.starts_with("otpauth://totp/Arches:ada.") && uri.contains(secret), "{uri}");
    let tablet = ada.sign_in_again().await;
    ada.client.get(CODES).await.refused(404, "second-factor-not-found");

    let code = json!({ "code": app.next_code(&authenticator) });
    let confirmed = ada.client.post(CONFIRM, code).await.ok(200);

    let codes = harness::recovery_codes(&confirmed);
    assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 19), "{codes:?}");
    assert_eq!(app.mail_to(&ada.email).subject, "Your account has a second factor");
    // Only the session that has shown both factors stays.
    ada.client.get("/v1/auth/me").await.ok(200);
    for other in [&phone, &tablet] {
        other.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
        other.refresh(&other.refresh_token).await.refused(401, "invalid-refresh-token");
    }
    let login = json!({ "email": ada.email, "password": PASSWORD });
    let first = app.client().post(LOGIN, login).await.ok(200);
    assert_eq!(first.body["data"]["challenge"]["methods"], json!(["totp", "recovery_code"]));
    assert_eq!(first.body["data"].as_object().expect("an object").len(), 1, "no token of a session");
    assert!(!first.headers.contains_key("set-cookie"));
    let signed_in = ada.sign_in_with(&authenticator).await;
    signed_in.client.get("/v1/auth/me").await.ok(200);
    let factors = "SELECT string_agg(array_to_string(factors, '+'), ' ' ORDER BY id) FROM sessions WHERE revoked_at IS NULL";
    assert_eq!(app.database.value::<String>(factors).await, "password+totp password+totp");
    let actions =
        "SELECT string_agg(action, ' ' ORDER BY id) FROM audit_events WHERE action LIKE '%second_factor%'";
    let actions: String = app.database.value(actions).await;
    assert_eq!(actions, "user.second_factor_started user.second_factor_added");
}

#[tokio::test]
async fn wrong_code_confirms_nothing() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let code = |code: &str| json!({ "code": code });
    ada.client.post(CONFIRM, code("123456")).await.refused(409, "totp-not-started");
    let started = ada.client.post_nothing(TOTP).await.ok(201);
    let authenticator = Authenticator::new(started.text("/data/secret"));
    let wrong = authenticator.wrong_code_at(app.clock.now());
    for wrong in [&*wrong, "", "12345", "1234567", "abcdef"] {
        let answer = ada.client.post(CONFIRM, code(wrong)).await;
        answer.refused(403, "wrong-code");
    }
    ada.sign_in_again().await;
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM recovery_codes").await, 0);
}

#[tokio::test]
async fn second_start_makes_another_secret_and_the_first_one_stops_working() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let [first, second] = [ada.client.post_nothing(TOTP).await, ada.client.post_nothing(TOTP).await];
    let [first, second] = [first.ok(201), second.ok(201)];
    assert_ne!(first.text("/data/secret"), second.text("/data/secret"));
    let [first, second] = [first, second].map(|started| Authenticator::new(started.text("/data/secret")));
    let old = json!({ "code": first.code_at(app.clock.now()) });
    ada.client.post(CONFIRM, old).await.refused(403, "wrong-code");
    let new = json!({ "code": second.code_at(app.clock.now()) });
    ada.client.post(CONFIRM, new).await.ok(200);
}

#[tokio::test]
async fn app_that_is_confirmed_is_not_replaced() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let before = app.database.checksums().await;
    ada.client.post_nothing(TOTP).await.refused(409, "totp-exists");
    let code = json!({ "code": app.next_code(&factor.app) });
    ada.client.post(CONFIRM, code).await.refused(409, "totp-exists");
    assert_eq!(app.database.checksums().await, before);
}

/// Otherwise a stranger who registered an address could lock its owner out of the account.
#[tokio::test]
async fn account_whose_address_nobody_proved_gets_no_second_factor() {
    let app = TestApp::new().await;
    let thief = app.person("Victim").await;
    thief.client.post_nothing(TOTP).await.refused(403, "address-not-proved");
    // The owner of the address presses the button in a mail that they did not expect.
    let token = json!({ "token": app.token_mailed_to(&thief.email) });
    app.client().post("/v1/auth/verify-email", token).await.ok(200);
    // Without a password, the account would look like one whose owner signs in by mail.
    thief.client.delete("/v1/auth/accounts/password").await.refused(403, "address-not-proved");
    thief.client.post_nothing(TOTP).await.refused(403, "address-not-proved");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM totp_factors").await, 0);
}

#[tokio::test]
async fn removed_app_is_not_asked_for() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let token = app.challenge(&ada.email).await;

    ada.client.delete(TOTP).await.ok(204);

    assert_eq!(app.mail_to(&ada.email).subject, "Your second factor was removed");
    ada.sign_in_again().await;
    let code = app.next_code(&factor.app);
    app.client().answer_challenge(&token, "code", &code).await.refused(401, "challenge-ended");
    ada.client.get(CODES).await.refused(404, "second-factor-not-found");
    ada.client.delete(TOTP).await.refused(404, "totp-not-found");
    let rows = "SELECT (SELECT count(*) FROM totp_factors) + (SELECT count(*) FROM recovery_codes)
                       + (SELECT count(*) FROM sign_in_challenges)";
    assert_eq!(app.database.value::<i64>(rows).await, 0);
}

#[tokio::test]
async fn app_of_one_user_is_not_that_of_another() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.verified_person("Ada").await, app.verified_person("Bob").await);
    let (of_ada, of_bob) = (ada.add_authenticator().await, bob.add_authenticator().await);
    let zoe = app.verified_person("Zoe").await;
    zoe.sign_in_again().await;

    let token = app.challenge(&ada.email).await;
    let code = app.next_code(&of_bob.app);
    app.client().answer_challenge(&token, "code", &code).await.refused(401, "wrong-code");
    let code = &of_bob.recovery_codes[0];
    app.client().answer_challenge(&token, "recoveryCode", code).await.refused(401, "wrong-code");
    bob.client.delete(TOTP).await.ok(204);
    let code = app.next_code(&of_ada.app);
    app.client().answer_challenge(&token, "code", &code).await.ok(201);
    bob.sign_in_again().await;
}

#[tokio::test]
async fn administrator_removes_lost_factors_of_others_only() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    ada.add_authenticator().await;
    let path = format!("/v1/users/{}/factors", ada.id);
    let shown = root.client.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert!(shown.body["data"]["secondFactorAt"].is_string(), "{shown:?}");
    ada.client.delete(&path).await.refused(403, "administrator-needed");
    root.client.delete(&format!("/v1/users/{}/factors", root.id)).await.refused(409, "own-account");

    let removed = root.client.delete(&path).await.ok(200);

    assert!(removed.body["data"]["secondFactorAt"].is_null(), "{removed:?}");
    ada.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    assert_eq!(app.mail_to(&ada.email).subject, "Your second factor was removed");
    ada.sign_in_again().await;
    let event = "SELECT actor_id::text || ' ' || target_id::text FROM audit_events WHERE action = 'user.second_factor_removed'";
    assert_eq!(app.database.value::<String>(event).await, format!("{} {}", root.id, ada.id));
    // The second call has nothing to do.
    let mails = app.mail_count(&ada.email);
    root.client.delete(&path).await.ok(200);
    assert_eq!(app.mail_count(&ada.email), mails);
}

#[tokio::test]
async fn recovered_account_has_no_factor_of_the_thief() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    ada.add_authenticator().await;
    root.client.post(&format!("/v1/users/{}/recover", ada.id), json!({})).await.ok(200);
    let token = app.token_mailed_to(&ada.email);
    let body = json!({ "token": token, "newPassword": PASSWORD });
    app.client().post("/v1/auth/reset-password", body).await.ok(204);
    ada.sign_in_again().await;
}
