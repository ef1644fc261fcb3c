use std::{
    fs,
    future::pending,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
    routing::get,
};
use harness::{Answer, CHALLENGE, ORIGIN, TestApp};
use lambda_http::Context;
use shared::http::service;
use tower::ServiceExt;

#[track_caller]
fn assert_security_headers(answer: &Answer) {
    for (name, value) in [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(answer.header(name), value, "{answer:?}");
    }
    assert!(!answer.header("x-request-id").is_empty());
    assert!(answer.header("vary").contains("origin"), "{answer:?}");
}

#[tokio::test]
async fn every_answer_has_security_headers() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let personal = ada.client.get("/v1/auth/me").await.ok(200);
    assert_security_headers(&personal);
    assert_eq!(personal.header("cache-control"), "no-store");
    assert_security_headers(&app.client().get("/health").await);
    assert_security_headers(&app.client().get("/v1/auth/me").await);
    assert_security_headers(&app.client().get("/v1/auth/nowhere").await);
    assert_security_headers(&app.client().delete("/v1/auth/login").await);
    assert_security_headers(&app.client().post_bytes("/v1/auth/login", "{").await);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = TestApp::new().await;
    app.client().get("/v1/auth/nowhere").await.refused(404, "no-such-route");
    app.client().get("/nowhere").await.refused(404, "no-such-route");
    app.client().get("/v1/auth/").await.refused(404, "no-such-route");
    let answer = app.client().delete("/v1/auth/login").await;
    answer.refused(405, "wrong-method");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn only_listed_origins_may_read_answers() {
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
async fn preflight_allows_what_the_api_needs() {
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
    assert_security_headers(&answer);
}

/// The gateway and the web ACL answer for the functions when those cannot.
#[tokio::test]
async fn answers_of_gateway_and_web_acl_expose_the_headers_of_the_functions() {
    let app = TestApp::new().await;
    let answer = app.client().with("origin", ORIGIN).get("/v1/auth/me").await;
    let exposed = answer.header("access-control-expose-headers");
    assert!(exposed.contains("retry-after"), "{answer:?}");
    for (file, line) in [
        ("infra/app/api.yaml", format!("Access-Control-Expose-Headers: \"'{exposed}'\"")),
        ("infra/edge/cors.headers", format!("Value: {exposed}")),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let text = fs::read_to_string(path).expect("a file of the templates");
        assert!(text.lines().any(|one| one.trim() == line), "{file} has no line {line}");
    }
}

#[tokio::test]
async fn meaning_of_a_401_is_in_its_body_under_the_gateways_header() {
    let app = TestApp::new().await;
    let answer = app.client().get("/v1/auth/me").await;
    answer.refused(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "", "a REST API renames it");
    assert_eq!(answer.header(CHALLENGE.as_str()), "Bearer");
}

async fn broken() {
    panic!("canary")
}

#[tokio::test]
async fn panic_is_a_500_without_details_and_the_next_request_works() {
    let app = TestApp::new().await;
    let routes = axum::Router::new().route("/broken", get(broken)).route("/well", get(async || "well"));
    let service = service(routes, app.state.app.clone());
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        service.clone().oneshot(request).await.expect("a router never fails")
    };
    let answer = ask("/broken").await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
    assert!(!String::from_utf8_lossy(&body).contains("canary"));
    assert_eq!(ask("/well").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn slow_request_ends_before_the_deadline_of_lambda() {
    let app = TestApp::new().await;
    let routes = axum::Router::new().route("/slow", get(pending::<()>));
    let service = service(routes, app.state.app.clone());
    let mut request = Request::get("/slow").header("origin", ORIGIN).body(Body::empty()).expect("a request");
    let mut context = Context::default();
    #[expect(clippy::disallowed_methods, reason = "Lambda's deadline uses the machine's clock")]
    let deadline =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970") + Duration::from_millis(600);
    context.deadline = u64::try_from(deadline.as_millis()).expect("a time before the year 500,000,000");
    request.extensions_mut().insert(context);
    let answer = service.oneshot(request).await.expect("a router never fails");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
}
