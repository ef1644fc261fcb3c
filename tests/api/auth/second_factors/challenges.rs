use chrono::TimeDelta;
use harness::{ORIGIN, PASSWORD, TestApp};
use serde_json::{Value, json};
use shared::domain::clock::Clock;

use super::LOGIN;

const VERIFY: &str = "/v1/auth/challenges/verify";

#[tokio::test]
async fn no_code_of_the_app_works_twice() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let now = app.clock.now();
    let code = |steps: i64| factor.app.code_at(now + TimeDelta::seconds(30 * steps));
    let [first, second] = [app.challenge(&ada.email).await, app.challenge(&ada.email).await];

    // The code that confirmed the app, and the one before it.
    for used in [code(0), code(-1)] {
        app.client().answer_challenge(&first, "code", &used).await.refused(401, "wrong-code");
    }
    app.client().answer_challenge(&first, "code", &code(1)).await.ok(201);
    app.client().answer_challenge(&second, "code", &code(1)).await.refused(401, "wrong-code");
    app.clock.advance(TimeDelta::seconds(30));
    app.client().answer_challenge(&second, "code", &code(1)).await.refused(401, "wrong-code");
    app.client().answer_challenge(&second, "code", &code(2)).await.ok(201);
}

#[tokio::test]
async fn challenge_works_once() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let token = app.challenge(&ada.email).await;
    let code = app.next_code(&factor.app);
    app.client().answer_challenge(&token, "code", &code).await.ok(201);
    for code in [code, app.next_code(&factor.app)] {
        app.client().answer_challenge(&token, "code", &code).await.refused(401, "challenge-ended");
    }
    for token in ["", "unknown"] {
        let code = app.next_code(&factor.app);
        app.client().answer_challenge(token, "code", &code).await.refused(401, "challenge-ended");
    }
}

#[tokio::test]
async fn challenge_ends_with_the_fifth_wrong_code() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let token = app.challenge(&ada.email).await;
    let wrong = factor.app.wrong_code_at(app.clock.now());
    for _ in 0..4 {
        app.client().answer_challenge(&token, "code", &wrong).await.refused(401, "wrong-code");
    }
    app.client().answer_challenge(&token, "recoveryCode", "wrong").await.refused(401, "wrong-code");

    let code = app.next_code(&factor.app);
    app.client().answer_challenge(&token, "code", &code).await.refused(401, "challenge-ended");
    let code = &factor.recovery_codes[0];
    app.client().answer_challenge(&token, "recoveryCode", code).await.refused(401, "challenge-ended");

    let denied = "SELECT count(*) FROM audit_events WHERE action = 'session.created' AND outcome = 'denied'
                  AND actor_id IS NULL AND target_id IS NOT NULL";
    assert_eq!(app.database.value::<i64>(denied).await, 5);
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM recovery_codes").await, 10);
}

#[tokio::test]
async fn challenge_expires_after_five_minutes() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let [early, late] = [app.challenge(&ada.email).await, app.challenge(&ada.email).await];
    app.clock.advance(TimeDelta::seconds(299));
    let code = factor.app.code_at(app.clock.now());
    app.client().answer_challenge(&early, "code", &code).await.ok(201);
    app.clock.advance(TimeDelta::seconds(1));
    let code = &factor.recovery_codes[0];
    app.client().answer_challenge(&late, "recoveryCode", code).await.refused(401, "challenge-ended");
}

#[tokio::test]
async fn guesses_are_limited_across_challenges_and_a_known_device_is_not_kept_out() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let device = {
        let token = app.challenge(&ada.email).await;
        let code = app.next_code(&factor.app);
        let answer = app.client().answer_challenge(&token, "code", &code).await.ok(201);
        answer.text("/data/deviceToken").to_owned()
    };
    let thief = app.client();
    let wrong = factor.app.wrong_code_at(app.clock.now());
    for _ in 0..2 {
        let token = app.challenge(&ada.email).await;
        for _ in 0..5 {
            thief.answer_challenge(&token, "code", &wrong).await.refused(401, "wrong-code");
        }
    }
    let token = app.challenge(&ada.email).await;
    let refused = thief.answer_challenge(&token, "code", &wrong).await;
    refused.refused(429, "too-many-attempts");
    assert_eq!(refused.header("ratelimit-limit"), "10");

    let code = app.next_code(&factor.app);
    let body = json!({ "token": token, "code": code, "deviceToken": device });
    thief.post(VERIFY, body).await.ok(201);
}

#[tokio::test]
async fn device_that_signed_in_before_the_app_was_added_has_no_guesses_of_its_own() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let thief = app.client();
    let mut devices = Vec::new();
    for _ in 0..2 {
        let answer = thief.post(LOGIN, credentials.clone()).await.ok(201);
        devices.push(answer.text("/data/deviceToken").to_owned());
    }
    app.clock.advance(TimeDelta::seconds(1));
    let factor = ada.add_authenticator().await;
    let wrong = factor.app.wrong_code_at(app.clock.now());
    for device in devices {
        let token = app.challenge(&ada.email).await;
        for _ in 0..5 {
            let body = json!({ "token": token, "code": wrong, "deviceToken": device });
            thief.post(VERIFY, body).await.refused(401, "wrong-code");
        }
    }
    let token = app.challenge(&ada.email).await;
    thief.answer_challenge(&token, "code", &wrong).await.refused(429, "too-many-attempts");
}

#[tokio::test]
async fn wrong_codes_of_others_do_not_keep_out_the_owner_of_a_recovery_code() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let wrong = factor.app.wrong_code_at(app.clock.now());
    for source in 1..=10 {
        let thief = app.client().at(&format!("203.0.113.{source}"));
        for _ in 0..2 {
            let token = app.challenge(&ada.email).await;
            for _ in 0..5 {
                thief.answer_challenge(&token, "code", &wrong).await.refused(401, "wrong-code");
            }
        }
    }
    let token = app.challenge(&ada.email).await;
    let owner = app.client().at("198.51.100.7");
    let code = app.next_code(&factor.app);
    owner.answer_challenge(&token, "code", &code).await.refused(429, "too-many-attempts");
    owner.answer_challenge(&token, "recoveryCode", &factor.recovery_codes[0]).await.ok(201);
}

#[tokio::test]
async fn session_that_older_code_opened_without_a_second_factor_is_not_live() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    ada.add_authenticator().await;
    ada.client.get("/v1/auth/me").await.ok(200);
    app.database.execute("UPDATE sessions SET factors = '{}'").await;
    let instance = app.second_instance();
    let refresh = json!({ "refreshToken": ada.refresh_token });
    instance.client().post("/v1/auth/refresh", refresh).await.refused(401, "invalid-refresh-token");
    app.clock.advance(TimeDelta::minutes(5));
    let client = instance.client().token(&ada.access_token);
    client.get("/v1/auth/me").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn answer_gives_one_second_factor() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let token = app.challenge(&ada.email).await;
    let (code, recovery) = (app.next_code(&factor.app), &factor.recovery_codes[0]);
    let both = json!({ "token": token, "code": code, "recoveryCode": recovery });
    for body in [json!({ "token": token }), both] {
        app.client().post(VERIFY, body).await.refused(422, "code-or-recovery-code");
    }
    app.client().answer_challenge(&token, "code", &code).await.ok(201);
}

#[tokio::test]
async fn mailed_link_and_mailed_code_do_not_pass_by_the_second_factor() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let path = "/v1/auth/magic-links/verify";
    for by_code in [false, true] {
        app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
        let proof = if by_code {
            json!({ "email": ada.email, "code": app.code_mailed_to(&ada.email) })
        } else {
            json!({ "token": app.token_mailed_to(&ada.email) })
        };
        let first = app.client().post(path, proof.clone()).await.ok(200);
        assert!(first.body["data"]["accessToken"].is_null(), "{first:?}");
        assert_eq!(app.client().post(path, proof).await.status, 422, "the mail is used up");
        let token = first.text("/data/challenge/token");
        let code = app.next_code(&factor.app);
        let signed_in = app.client().answer_challenge(token, "code", &code).await.ok(201);
        assert_eq!(signed_in.text("/data/user/id"), ada.id);
    }
    let factors = "SELECT array_to_string(factors, '+') FROM sessions ORDER BY id DESC LIMIT 1";
    assert_eq!(app.database.value::<String>(factors).await, "mail+totp");
}

#[tokio::test]
async fn reset_of_the_password_leaves_the_second_factor_and_ends_begun_sign_ins() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let begun = app.challenge(&ada.email).await;
    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let token = app.token_mailed_to(&ada.email);
    let body = json!({ "token": token, "newPassword": PASSWORD });
    app.client().post("/v1/auth/reset-password", body).await.ok(204);

    let code = app.next_code(&factor.app);
    app.client().answer_challenge(&begun, "code", &code).await.refused(401, "challenge-ended");
    ada.sign_in_with(&factor.app).await;
}

#[tokio::test]
async fn begun_sign_in_ends_with_the_access_of_the_user() {
    let app = TestApp::new().await;
    let (ada, root) = (app.verified_person("Ada").await, app.administrator("Root").await);
    let factor = ada.add_authenticator().await;
    let logged_out = app.challenge(&ada.email).await;
    ada.client.post_nothing("/v1/auth/logout-all").await.ok(204);
    let suspended = app.challenge(&ada.email).await;
    let path = format!("/v1/users/{}/suspend", ada.id);
    root.client.post(&path, json!({ "reason": "the test" })).await.ok(200);
    for token in [logged_out, suspended] {
        let code = app.next_code(&factor.app);
        app.client().answer_challenge(&token, "code", &code).await.refused(401, "challenge-ended");
    }
}

#[tokio::test]
async fn browser_signs_in_with_the_cookie_in_the_second_step() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let factor = ada.add_authenticator().await;
    let login = json!({ "email": ada.email, "password": PASSWORD, "transport": "cookie" });
    let browser = app.client().with("origin", ORIGIN);
    let first = browser.post(LOGIN, login).await.ok(200);
    assert!(!first.headers.contains_key("set-cookie"), "{first:?}");
    let code = app.next_code(&factor.app);
    let body = json!({ "token": first.text("/data/challenge/token"), "code": code, "transport": "cookie" });
    let foreign = app.client().with("origin", "https://evil.example");
    foreign.post(VERIFY, body.clone()).await.refused(403, "foreign-origin");
    let second = browser.post(VERIFY, body).await.ok(201);
    assert!(second.header("set-cookie").starts_with("__Host-arches_refresh=rt_"), "{second:?}");
    assert!(second.body["data"]["refreshToken"].is_null());
}

/// A stranger who does not know the password learns nothing.
#[tokio::test]
async fn accounts_with_and_without_second_factor_differ_only_after_the_right_password() {
    let app = TestApp::new().await;
    let (with, without) = (app.verified_person("With").await, app.verified_person("Without").await);
    with.add_authenticator().await;
    let (hashes, mut answers) = (app.state.passwords.count(), Vec::new());
    for email in [&with.email, &without.email, "nobody@example.com"] {
        let wrong = json!({ "email": email, "password": "not the password" });
        answers.push(app.client().post(LOGIN, wrong).await);
    }
    for email in [&with.email, &without.email, "nobody@example.com"] {
        answers.push(app.client().post("/v1/auth/magic-links", json!({ "email": email })).await);
        let code = json!({ "email": email, "code": "not it" });
        answers.push(app.client().post("/v1/auth/magic-links/verify", code).await);
    }
    assert_eq!(app.state.passwords.count() - hashes, 3, "one hash for each");
    let seen = |answer: &harness::Answer| {
        let mut body = answer.body.clone();
        if body.is_object() {
            body["requestId"] = Value::Null;
        }
        (answer.status, body, answer.headers.keys().cloned().collect::<Vec<_>>())
    };
    assert_eq!(seen(&answers[0]), seen(&answers[1]));
    assert_eq!(seen(&answers[0]), seen(&answers[2]));
    for n in [3, 4] {
        assert_eq!(seen(&answers[n]), seen(&answers[n + 2]));
        assert_eq!(seen(&answers[n]), seen(&answers[n + 4]));
    }
}
