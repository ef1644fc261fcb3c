use std::fs;

use harness::{Database, runtime_api::Function, service};
use serde_json::{Value, json};

use crate::{
    environment,
    events::{body, http, rest},
};

fn json_body() -> Value {
    json!({ "content-type": "application/json" })
}

#[tokio::test]
async fn auth_answers_events_of_both_gateway_types() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    let register =
        json!({ "name": "李雷", "email": "lilei@example.com", "password": "a long enough phrase" })
            .to_string();

    let answer = auth
        .invoke(rest("POST", "/v1/auth/register", &json_body(), Some(&register), "203.0.113.7"))
        .await
        .expect("an answer");
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(answer["multiValueHeaders"]["x-request-id"], json!(["c6af9ac6-7b61-11e6-9a41-93e8deadbeef"]));
    let token = body(&answer)["data"]["accessToken"].as_str().expect("a token").to_owned();

    let login = json!({ "email": "lilei@example.com", "password": "a long enough phrase" }).to_string();
    let answer = auth
        .invoke(http("POST", "/v1/auth/login", &json_body(), Some(&login), "2001:db8::1"))
        .await
        .expect("an answer");
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(answer["headers"]["x-request-id"], "JKJaXmPLvHcESHA=");
    assert_eq!(body(&answer)["data"]["session"]["ipAddress"], "2001:db8::1");

    let bearer = json!({ "authorization": format!("Bearer {token}") });
    let answer =
        auth.invoke(rest("GET", "/v1/auth/me", &bearer, None, "203.0.113.7")).await.expect("an answer");
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_eq!(body(&answer)["data"]["name"], "李雷");
}

/// Those of `cargo lambda invoke <function> --data-file events/<function>-<what>.json`.
#[tokio::test]
async fn example_events_succeed() {
    let database = Database::create().await;
    let mut count = 0;
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../events")).expect("the examples") {
        let path = file.expect("a file").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let (function, _) = stem.rsplit_once('-').expect("a function and what it does");
        let event = serde_json::from_slice(&fs::read(&path).expect("an event")).expect("JSON");
        let function = Function::start(function, environment(&database)).await;
        let answer = function.invoke(event).await.expect("an answer");
        let is_success = |status| (200..300).contains(&status);
        assert!(
            answer["batchItemFailures"] == json!([]) || answer["statusCode"].as_u64().is_some_and(is_success),
            "{stem}: {answer}"
        );
        count += 1;
    }
    assert!(count > 2, "{count} examples");
}

#[tokio::test]
async fn missing_body_and_repeated_header_are_refused() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    for event in [
        rest("POST", "/v1/auth/login", &json_body(), None, "203.0.113.7"),
        http("POST", "/v1/auth/login", &json_body(), None, "203.0.113.7"),
    ] {
        let answer = auth.invoke(event).await.expect("an answer");
        assert_eq!(answer["statusCode"], 400, "{answer}");
        assert_eq!(body(&answer)["type"], "https://archesai.com/problems/malformed-body");
    }
    let twice =
        json!({ "authorization": ["Bearer a", "Bearer b"], "accept": ["application/json", "text/html"] });
    let answer =
        auth.invoke(rest("GET", "/v1/auth/me", &twice, None, "203.0.113.7")).await.expect("an answer");
    assert_eq!(answer["statusCode"], 401, "{answer}");
}

#[tokio::test]
async fn source_address_comes_from_the_gateway_not_from_headers() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    let spoofed = json!({
        "content-type": "application/json", "x-forwarded-for": "198.51.100.1", "x-real-ip": "198.51.100.2", "forwarded": "for=198.51.100.3"
    });
    let register = |n: u8| {
        json!({ "name": "Eve", "email": format!("eve{n}@example.com"), "password": "a long enough phrase" })
            .to_string()
    };
    for event in [
        rest("POST", "/v1/auth/register", &spoofed, Some(&register(1)), "203.0.113.9"),
        http("POST", "/v1/auth/register", &spoofed, Some(&register(2)), "203.0.113.9"),
    ] {
        let answer = auth.invoke(event).await.expect("an answer");
        assert_eq!(body(&answer)["data"]["session"]["ipAddress"], "203.0.113.9", "{answer}");
    }
}

#[tokio::test]
async fn system_answers_and_serves_the_committed_document() {
    let database = Database::create().await;
    let system = Function::start("system", environment(&database)).await;
    for path in ["/health", "/ready", "/.well-known/jwks.json", "/v1/config"] {
        let answer =
            system.invoke(rest("GET", path, &json!({}), None, "203.0.113.7")).await.expect("an answer");
        assert_eq!(answer["statusCode"], 200, "{path}: {answer}");
    }
    let answer = system
        .invoke(http("GET", "/openapi.json", &json!({}), None, "203.0.113.7"))
        .await
        .expect("an answer");
    assert_eq!(body(&answer), openapi::document());
}

#[tokio::test]
async fn docs_needs_no_setting_and_nothing_from_the_internet() {
    let environment = [("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH".to_owned(), "true".to_owned())].into();
    let docs = Function::start("docs", environment).await;
    let answer = docs.invoke(rest("GET", "/docs", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let page = answer["body"].as_str().expect("a page");
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    let policy = &answer["multiValueHeaders"]["content-security-policy"][0];
    assert!(policy.as_str().expect("a policy").starts_with("default-src 'none'; script-src 'self';"));
    let answer =
        docs.invoke(rest("GET", "/docs/nowhere", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    assert_eq!(body(&answer)["type"], "https://archesai.com/problems/no-such-route", "{answer}");
    for path in ["/docs/redoc.js", "/docs/docs.js", "/docs/docs.css"] {
        assert!(page.contains(path), "{path}");
        let answer =
            docs.invoke(http("GET", path, &json!({}), None, "203.0.113.7")).await.expect("an answer");
        assert_eq!(answer["statusCode"], 200, "{path}");
        if path.ends_with("redoc.js") {
            assert!(
                answer["body"].as_str().is_some_and(|script| script.len() > 1_000_000),
                "the bundle is complete"
            );
        }
    }
}

#[tokio::test]
async fn migrate_follows_its_event_and_reports() {
    let database = Database::create_empty().await;
    let mut environment = environment(&database);
    environment.insert("DATABASE_URL".to_owned(), database.owner_url());
    let migrate = Function::start("migrate", environment).await;

    let report = migrate.invoke(json!({ "command": "status" })).await.expect("a report");
    let pending = report["pending"].as_array().expect("a list").len();
    assert!(pending > 5);
    let report = migrate.invoke(json!({ "command": "up" })).await.expect("a report");
    assert_eq!(report["applied"].as_array().expect("a list").len(), pending);
    assert_eq!(report["pending"], json!([]));
    migrate.invoke(json!({ "command": "down" })).await.expect_err("no such command");
    assert_eq!(migrate.invoke(json!({ "command": "up" })).await.expect("a report")["applied"], json!([]));
}

#[tokio::test]
async fn mail_is_sent_through_ses() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    let email = format!("mail.{}@example.com", uuid::Uuid::new_v4().simple());
    let register = json!({ "name": "Ada", "email": email, "password": "a long enough phrase" }).to_string();
    auth.invoke(http("POST", "/v1/auth/register", &json_body(), Some(&register), "203.0.113.7"))
        .await
        .expect("an answer");

    let mails = std::fs::read_dir(service("TEST_MAIL_DIR")).expect("the mailbox");
    let mail = mails
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
        .find(|mail| mail.contains(&email))
        .expect("the mail");
    assert!(mail.contains("Confirm your e-mail address") && mail.contains("/verify-email?token="), "{mail}");
    assert!(mail.contains(r#""configurationSet": "arches-local""#), "bounces are reported: {mail}");
}

#[tokio::test]
async fn users_and_organizations_refuse_requests_without_a_token() {
    let database = Database::create().await;
    for (name, path) in
        [("organizations", "/v1/organizations"), ("users", "/v1/users"), ("users", "/v1/audit-events")]
    {
        let function = Function::start(name, environment(&database)).await;
        for event in [
            rest("GET", path, &json!({}), None, "203.0.113.7"),
            http("GET", path, &json!({}), None, "203.0.113.7"),
        ] {
            let answer = function.invoke(event).await.expect("an answer");
            assert_eq!(answer["statusCode"], 401, "{answer}");
        }
    }
}
