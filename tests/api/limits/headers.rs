use axum::http::Method;
use harness::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

/// Sends a request until it is refused with 429, at most 200 times. `body` gets the number of the request.
async fn exhaust(
    app: &TestApp,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: impl Fn(usize) -> Option<Value>,
) -> Answer {
    let client = app.client();
    let client = token.map_or_else(|| client.clone(), |token| client.token(token));
    for n in 0..200 {
        let answer = client.call(&method, path, body(n).as_ref()).await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("{path} has no limit");
}

#[tokio::test]
async fn every_429_says_which_limit_was_reached() {
    let app = TestApp::new().await;
    let ada = app.verified_person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let token = Some(ada.access_token.as_str());
    let wrong = || Some(json!({ "email": ada.email, "password": "not the password" }));
    let code = || Some(json!({ "email": ada.email, "code": "guess" }));
    let proof = || Some(json!({ "currentPassword": "not the password" }));
    let email = || Some(json!({ "email": ada.email }));
    let new = || Some(json!({ "name": "Ada", "email": ada.email, "password": PASSWORD }));
    let invitation = |n| Some(json!({ "email": format!("bob{n}@example.com"), "role": "member" }));
    let invitations = format!("{organization}/invitations");

    let answers = [
        ("10", exhaust(&app, None, Method::POST, "/v1/auth/login", |_| wrong()).await),
        ("10", exhaust(&app, None, Method::POST, "/v1/auth/magic-links/verify", |_| code()).await),
        ("10", exhaust(&app, token, Method::POST, "/v1/auth/reauthenticate", |_| proof()).await),
        ("10", exhaust(&app, None, Method::POST, "/v1/auth/forgot-password", |_| email()).await),
        ("10", exhaust(&app, None, Method::POST, "/v1/auth/magic-links", |_| email()).await),
        ("10", exhaust(&app, None, Method::POST, "/v1/auth/register", |_| new()).await),
        ("10", exhaust(&app, token, Method::POST, "/v1/auth/request-verification", |_| None).await),
        ("10", exhaust(&app, token, Method::GET, "/v1/auth/me/export", |_| None).await),
        ("10", exhaust(&app, token, Method::POST, "/v1/auth/totp", |_| None).await),
        ("100", exhaust(&app, token, Method::POST, &invitations, invitation).await),
    ];

    for (limit, answer) in answers {
        answer.refused(429, "too-many-attempts");
        assert_eq!(answer.header("ratelimit-limit"), limit, "{answer:?}");
        assert_eq!(answer.header("ratelimit-remaining"), "0", "{answer:?}");
        assert_eq!(answer.header("ratelimit-reset"), answer.header("retry-after"), "{answer:?}");
        assert!(answer.header("retry-after").parse::<u64>().expect("seconds") >= 1, "{answer:?}");
    }
}

#[tokio::test]
async fn page_that_refuses_a_guess_says_when_to_try_again() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let organization = ada.create_organization("Engines").await;
    let invitation = ada.invite(&organization, "bob@example.com", "member").await;
    let path = format!("/account/invitation?token={}", invitation.token);
    let client = app.client().with("sec-fetch-site", "same-origin");
    let client = client.with("content-type", "application/x-www-form-urlencoded");
    let form = "email=bob%40example.com&password=not+the+password";
    for _ in 0..10 {
        client.post_bytes(&path, form).await.ok(401);
    }
    let refused = client.post_bytes(&path, form).await.ok(429);
    assert_eq!(refused.header("ratelimit-limit"), "10");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    assert_eq!(refused.header("ratelimit-reset"), "30");
    assert_eq!(refused.header("retry-after"), "30");
}
