use std::future::IntoFuture;

use axum::{Router, http::StatusCode};
use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    environment,
    events::{body, http},
};

fn lines(function: &Function) -> Vec<Value> {
    let log = function.log();
    log.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"))).collect()
}

#[tokio::test]
async fn request_is_logged_in_one_complete_line() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    assert_complete(Function::start("auth", environment.clone()).await, "ada").await;
    environment.extend(
        [("TRACING_ENABLED", "true"), ("TRACING_ENDPOINT", "http://127.0.0.1:9/v1/traces")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_complete(Function::start("auth", environment).await, "bob").await;
}

/// Registers `name`, and checks the line of the next request.
async fn assert_complete(auth: Function, name: &str) {
    let headers = json!({ "content-type": "application/json" });
    let register =
        json!({ "name": name, "email": format!("{name}@example.com"), "password": "a long enough phrase" });
    let register = http("POST", "/v1/auth/register", &headers, Some(&register.to_string()), "203.0.113.7");
    let answer = auth.invoke(register).await.expect("an answer");
    let bearer = json!({ "authorization": format!("Bearer {}", body(&answer)["data"]["accessToken"].as_str().expect("a token")) });
    let user = body(&answer)["data"]["user"]["id"].clone();
    auth.invoke(http("GET", "/v1/auth/sessions", &bearer, None, "203.0.113.7")).await.expect("an answer");

    auth.log_line(|line| line.contains("request served") && line.contains("/v1/auth/sessions")).await;
    let lines = lines(&auth);
    let served: Vec<_> = lines.iter().filter(|line| line["message"] == "request served").collect();
    assert_eq!(served.len(), 2, "{lines:#?}");
    let line = served[1];
    for (name, value) in [
        ("level", json!("INFO")),
        ("app", json!("arches")),
        ("env", json!("test")),
        ("version", json!("dev")),
        ("function", json!("auth")),
        ("method", json!("GET")),
        ("route", json!("/v1/auth/sessions")),
        ("status", json!(200)),
        ("user.id", user),
        ("ip", json!("203.0.113.7")),
        ("request.id", json!("JKJaXmPLvHcESHA=")),
    ] {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    assert!(line["duration_ms"].is_u64() && line["timestamp"].is_string(), "{line}");
}

#[tokio::test]
async fn metrics_have_the_format_of_cloudwatch() {
    let database = Database::create().await;
    let system = Function::start("system", environment(&database)).await;
    system.invoke(http("GET", "/v1/config", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    system.log_line(|line| line.contains("ColdStarts")).await;
    let lines = lines(&system);
    for (metric, dimensions) in [
        ("Requests", vec!["function", "route", "status"]),
        ("Duration", vec!["function", "route"]),
        ("ColdStarts", vec!["function"]),
        ("DependencyTime", vec!["dependency", "function"]),
    ] {
        let line = lines
            .iter()
            .find(|line| line.get(metric).is_some())
            .unwrap_or_else(|| panic!("no {metric} in {lines:#?}"));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Arches");
        let mut names: Vec<_> = directive["Dimensions"][0]
            .as_array()
            .expect("a list")
            .iter()
            .map(|d| d.as_str().expect("text"))
            .collect();
        names.sort_unstable();
        assert_eq!(names, dimensions, "{metric}");
    }
}

#[tokio::test]
async fn health_is_not_logged() {
    let database = Database::create().await;
    let system = Function::start("system", environment(&database)).await;
    system.invoke(http("GET", "/health", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    system.invoke(http("GET", "/v1/config", &json!({}), None, "203.0.113.7")).await.expect("an answer");
    system.log_line(|line| line.contains("request served")).await;
    assert!(
        lines(&system).iter().all(|line| line["message"] != "request served" || line["route"] != "/health")
    );
}

#[tokio::test]
async fn no_secret_or_personal_data_is_logged_even_at_level_trace() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("LOG_LEVEL".to_owned(), "trace".to_owned());
    let auth = Function::start("auth", environment.clone()).await;
    let headers = json!({ "content-type": "application/json", "user-agent": "canary-user-agent" });
    let post = async |path: &str, body: Value| {
        auth.invoke(http("POST", path, &headers, Some(&body.to_string()), "203.0.113.7"))
            .await
            .expect("an answer")
    };

    let register = json!({ "name": "Canary Name", "email": "canary.address@example.com", "password": "canary password" });
    let answer = body(&post("/v1/auth/register", register.clone()).await);
    let (access, refresh) = (answer["data"]["accessToken"].clone(), answer["data"]["refreshToken"].clone());
    post("/v1/auth/register", register).await;
    post("/v1/auth/login", json!({ "email": "canary.address@example.com", "password": "canary guess" }))
        .await;
    post("/v1/auth/login", json!({ "email": "canary broken address", "password": "canary password" })).await;
    post("/v1/auth/refresh", json!({ "refreshToken": refresh })).await;
    post("/v1/auth/verify-email", json!({ "token": "canary-token" })).await;
    post("/v1/auth/forgot-password", json!({ "email": "canary.address@example.com" })).await;
    post("/v1/auth/magic-links", json!({ "email": "canary.address@example.com" })).await;
    post("/v1/auth/magic-links/verify", json!({ "email": "canary.address@example.com", "code": "canary7" }))
        .await;
    let password = json!({ "newEmail": "canary.new@example.com", "currentPassword": "canary password" });
    post("/v1/auth/change-email", password).await;
    auth.invoke(http("GET", "/account/verify-email?token=canary-token", &headers, None, "203.0.113.7"))
        .await
        .expect("an answer");
    let bearer = json!({ "authorization": format!("Bearer {}", access.as_str().expect("a token")), "content-type": "application/json" });
    let change =
        json!({ "name": "Canary Change", "phone": "+442071838750", "image": "https://canary.example/a.png" });
    auth.invoke(http("PATCH", "/v1/auth/me", &bearer, Some(&change.to_string()), "203.0.113.7"))
        .await
        .expect("an answer");
    auth.invoke(http("GET", "/v1/auth/canary-path", &bearer, None, "203.0.113.7")).await.expect("an answer");
    auth.log_line(|line| line.contains("no-such-route")).await;

    let log = auth.log().join("\n").to_lowercase();
    let token: String = database.value("SELECT password_hash FROM users").await;
    for canary in [
        "canary",
        "442071838750",
        access.as_str().expect("a token"),
        refresh.as_str().expect("a token"),
        &token,
        &environment["DATABASE_URL"],
        &environment["REDIS_URL"],
    ] {
        let canary = canary.to_lowercase();
        assert!(
            !log.contains(&canary),
            "{canary} is in the log: {:?}",
            log.lines().find(|line| line.contains(&canary))
        );
    }
    assert!(log.contains("request served") && log.contains("request refused"));
}

#[tokio::test]
async fn api_keys_and_invited_addresses_are_not_logged() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("LOG_LEVEL".to_owned(), "trace".to_owned());
    let auth = Function::start("auth", environment.clone()).await;
    let organizations = Function::start("organizations", environment).await;
    let plain = json!({ "content-type": "application/json" });
    let register = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });
    let register = http("POST", "/v1/auth/register", &plain, Some(&register.to_string()), "203.0.113.7");
    let registered = body(&auth.invoke(register).await.expect("an answer"));
    let bearer = |token: &Value, once: &str| {
        json!({
            "authorization": format!("Bearer {}", token.as_str().expect("a token")),
            "content-type": "application/json",
            "idempotency-key": once,
        })
    };
    let post = async |path: &str, headers: Value, sent: Value| {
        let event = http("POST", path, &headers, Some(&sent.to_string()), "203.0.113.7");
        body(&organizations.invoke(event).await.expect("an answer"))
    };

    database.execute("UPDATE users SET email_verified_at = created_at").await;
    let token = &registered["data"]["accessToken"];
    let team = post("/v1/organizations", bearer(token, "canary-1"), json!({ "name": "Canary Team" })).await;
    let path = format!("/v1/organizations/{}", team["data"]["id"].as_str().expect("an id"));
    let invitation = json!({ "email": "canary.colleague@example.com", "role": "member" });
    post(&format!("{path}/invitations"), bearer(token, "canary-2"), invitation).await;
    let key = json!({ "name": "Canary Key", "scopes": ["organization:read"] });
    let key = post(&format!("{path}/api-keys"), bearer(token, "canary-3"), key).await;
    let key = &key["data"]["key"];
    let read = http("GET", &path, &bearer(key, "canary-4"), None, "203.0.113.7");
    assert_eq!(organizations.invoke(read).await.expect("an answer")["statusCode"], 200);
    post("/v1/invitations/accept", bearer(token, "canary-5"), json!({ "token": "canary-token" })).await;
    organizations.log_line(|line| line.contains("invalid-token")).await;

    let log = organizations.log().join("\n").to_lowercase();
    for secret in ["canary", key.as_str().expect("a key"), token.as_str().expect("a token")] {
        let secret = secret.to_lowercase();
        let line = log.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
}

#[tokio::test]
async fn request_that_waits_too_long_for_a_lock_gets_503_and_writes_no_error_line() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    let json = json!({ "content-type": "application/json" });
    let register =
        json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" }).to_string();
    let answer = auth.invoke(http("POST", "/v1/auth/register", &json, Some(&register), "203.0.113.7")).await;
    let token =
        body(&answer.expect("an answer"))["data"]["accessToken"].as_str().expect("a token").to_owned();
    let headers = json!({ "content-type": "application/json", "authorization": format!("Bearer {token}") });
    let rename =
        http("PATCH", "/v1/auth/me", &headers, Some(&json!({ "name": "Ada L" }).to_string()), "203.0.113.7");

    let mut other = database.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM users FOR UPDATE").execute(&mut *other).await.expect("a lock");
    let answer = auth.invoke(rename.clone()).await.expect("an answer");
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert!(answer["body"].as_str().expect("a body").contains("/problems/unavailable"), "{answer}");
    let headers = answer.to_string().to_lowercase();
    assert!(headers.contains("\"retry-after\""), "{answer}");
    auth.log_line(|line| line.contains("request failed") && line.contains("WARN")).await;
    assert!(lines(&auth).iter().all(|line| line["level"] != "ERROR"), "{:#?}", auth.log());

    other.rollback().await.expect("released");
    let answer = auth.invoke(rename).await.expect("an answer");
    assert_eq!(answer["statusCode"], 200, "{answer}");
}

/// Starts a mail service that refuses every mail with `code`, registers a user, and signs in from a new device. Returns the log.
async fn log_when_mail_is_refused(status: u16, code: &'static str) -> Vec<Value> {
    let refuse = move || async move {
        let status = StatusCode::from_u16(status).expect("a status");
        (status, [("x-amzn-errortype", code)], json!({ "message": "refused" }).to_string())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(axum::serve(listener, Router::new().fallback(refuse)).into_future());
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("AWS_ENDPOINT_URL_SESV2".to_owned(), url);
    let auth = Function::start("auth", environment).await;
    let headers = json!({ "content-type": "application/json" });
    let register = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });
    let event = http("POST", "/v1/auth/register", &headers, Some(&register.to_string()), "203.0.113.7");
    assert_eq!(auth.invoke(event).await.expect("an answer")["statusCode"], 201);
    database.execute("UPDATE users SET email_verified_at = created_at").await;
    let login = json!({ "email": "ada@example.com", "password": "a long enough phrase" });
    let event = http("POST", "/v1/auth/login", &headers, Some(&login.to_string()), "203.0.113.7");
    assert_eq!(auth.invoke(event).await.expect("an answer")["statusCode"], 201);
    auth.log_line(|line| line.contains("request served") && line.contains("login")).await;
    server.abort();
    lines(&auth)
}

#[tokio::test]
async fn mail_that_is_refused_for_its_recipient_is_no_error() {
    let log = log_when_mail_is_refused(400, "MessageRejected").await;
    let refused = log.iter().find(|line| line["message"] == "mail refused").expect("a line");
    assert_eq!(refused["level"], "WARN");
    assert!(log.iter().all(|line| line["level"] != "ERROR"), "{log:#?}");
}

#[tokio::test]
async fn mail_that_is_refused_for_the_sender_is_an_error() {
    let log = log_when_mail_is_refused(400, "SendingPausedException").await;
    let mut refused = log.iter().filter(|line| line["message"] == "mail not sent");
    assert!(refused.clone().all(|line| line["level"] == "ERROR"), "{log:#?}");
    assert!(refused.any(|line| line["subject"] == "A sign-in from a new device"), "{log:#?}");
}
