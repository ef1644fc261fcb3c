use axum::{body::Body, http::Method};
use harness::{Answer, ORIGIN, TestApp};

#[track_caller]
fn secured(answer: &Answer) {
    for (name, value) in [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(answer.header(name), value, "{answer:?}");
    }
    assert!(!answer.header("x-request-id").is_empty());
    assert!(answer.header("vary").contains("origin"), "{answer:?}");
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let personal = ada.client.get("/v1/auth/me").await.ok(200);
    secured(&personal);
    assert_eq!(personal.header("cache-control"), "no-store");
    secured(&app.client().get("/health").await);
    secured(&app.client().get("/v1/auth/me").await);
    secured(&app.client().get("/v1/auth/nowhere").await);
    secured(&app.client().delete("/v1/auth/login").await);
    secured(&app.client().post_bytes("/v1/auth/login", "{").await);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let app = TestApp::new().await;
    app.client().get("/v1/auth/nowhere").await.refused(404, "no-such-route");
    app.client().get("/nowhere").await.refused(404, "no-such-route");
    app.client().get("/v1/auth/").await.refused(404, "no-such-route");
    let answer = app.client().delete("/v1/auth/login").await;
    answer.refused(405, "wrong-method");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn only_a_listed_origin_may_read_an_answer() {
    let app = TestApp::new().await;
    let listed = app.client().with("origin", ORIGIN).get("/v1/auth/me").await;
    assert_eq!(listed.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(listed.header("access-control-allow-credentials"), "true");
    for origin in
        ["https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"]
    {
        let other = app.client().with("origin", origin).get("/v1/auth/me").await;
        assert_eq!(other.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn a_preflight_allows_what_the_api_needs() {
    let app = TestApp::new().await;
    let client = app.client().with("origin", ORIGIN).with("access-control-request-method", "PATCH");
    let answer = client
        .with("access-control-request-headers", "authorization,content-type,if-match")
        .send(Method::OPTIONS, "/v1/auth/me", Body::empty())
        .await
        .ok(200);
    assert!(answer.header("access-control-allow-methods").contains("PATCH"));
    assert!(answer.header("access-control-allow-headers").contains("if-match"));
    assert_eq!(answer.header("access-control-max-age"), "86400");
    secured(&answer);
}
