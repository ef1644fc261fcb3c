use futures_util::future::join_all;
use harness::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

const LOGIN: &str = "/v1/auth/login";

/// Sends `count` wrong passwords for `email`, each from another network.
async fn guess(app: &TestApp, email: &str, count: u32) -> Vec<Answer> {
    let mut answers = Vec::new();
    for start in (0..count).step_by(10) {
        let clients: Vec<_> = (start..count.min(start + 10)).map(|_| app.client()).collect();
        let body = json!({ "email": email, "password": "not the password" });
        answers.extend(join_all(clients.iter().map(|client| client.post(LOGIN, body.clone()))).await);
    }
    answers
}

/// Checks that 100 of 120 wrong passwords for `email` are hashed. Returns the refusal of the others.
async fn checked(app: &TestApp, email: &str) -> Value {
    let before = app.state.passwords.count();
    let answers = guess(app, email, 120).await;
    assert_eq!(app.state.passwords.count() - before, 100, "passwords of {email} that were hashed");
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 20);
    refused[0].refused(429, "too-many-attempts");
    assert_eq!(refused[0].header("ratelimit-limit"), "100");
    let mut body = refused[0].body.clone();
    body["requestId"] = Value::Null;
    body
}

#[tokio::test]
async fn hundred_failures_in_a_row_let_only_a_known_device_and_mail_in() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let right = json!({ "email": ada.email, "password": PASSWORD });
    let device = app.client().post(LOGIN, right.clone()).await.ok(201);
    let device = device.text("/data/deviceToken");

    let known = checked(&app, &ada.email).await;
    let unknown = checked(&app, "nobody@example.com").await;

    assert_eq!(known, unknown, "the answer does not show whether the account exists");
    app.client().post(LOGIN, right.clone()).await.refused(429, "too-many-attempts");
    let from_device = json!({ "email": ada.email, "password": PASSWORD, "deviceToken": device });
    app.client().post(LOGIN, from_device).await.ok(201);
    app.client().post("/v1/auth/magic-links", json!({ "email": ada.email })).await.ok(202);
    let token = json!({ "token": app.token_mailed_to(&ada.email) });
    app.client().post("/v1/auth/magic-links/verify", token).await.ok(201);
    ada.client.get("/v1/auth/me").await.ok(200);
    app.client().post(LOGIN, right).await.refused(429, "too-many-attempts");

    app.client().post("/v1/auth/forgot-password", json!({ "email": ada.email })).await.ok(202);
    let reset = json!({ "token": app.token_mailed_to(&ada.email), "newPassword": "an entirely new phrase" });
    app.client().post("/v1/auth/reset-password", reset).await.ok(204);
    let new = json!({ "email": ada.email, "password": "an entirely new phrase" });
    app.client().post(LOGIN, new).await.ok(201);
}

#[tokio::test]
async fn right_password_ends_the_row_of_failures() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    for _ in 0..2 {
        for answer in guess(&app, &ada.email, 60).await {
            answer.refused(401, "wrong-credentials");
        }
        ada.sign_in_elsewhere().await;
    }
}

#[tokio::test]
async fn guesses_of_a_thief_in_one_session_do_not_stop_the_owner_in_another() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let stolen = ada.sign_in_again().await.client.at("203.0.113.7");
    let own = ada.client.at("203.0.113.7");
    let proof = |password: &str| json!({ "currentPassword": password });
    for _ in 0..10 {
        stolen.post("/v1/auth/reauthenticate", proof("wrong")).await.refused(403, "wrong-password");
    }
    stolen
        .at("203.0.113.8")
        .post("/v1/auth/reauthenticate", proof("wrong"))
        .await
        .refused(429, "too-many-attempts");
    own.post("/v1/auth/reauthenticate", proof(PASSWORD)).await.ok(204);
}

#[tokio::test]
async fn requests_for_mail_use_up_no_guesses() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let office = app.client().at("203.0.113.7");
    let mails = (0..100).map(async |n| {
        let email = json!({ "email": format!("someone{}@example.com", n / 10) });
        office.post("/v1/auth/magic-links", email).await.ok(202)
    });
    join_all(mails).await;
    let more = json!({ "email": "another@example.com" });
    office.post("/v1/auth/magic-links", more).await.refused(429, "too-many-attempts");
    office.post(LOGIN, json!({ "email": ada.email, "password": PASSWORD })).await.ok(201);
}
