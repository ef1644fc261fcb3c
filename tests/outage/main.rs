//! What the API answers while a dependency is unavailable, and that it recovers by itself.
//!
//! These tests have their own PostgreSQL, PgBouncer and Redis, which they stop and start.

mod answers;
mod passwords;
mod proxy;
mod second_factors;
mod services;
mod tls;

use std::time::{Duration, Instant};

use axum::{body::Body, http::Method};
use futures_util::future::join_all;
use harness::{Answer, Client, Person, TestApp, document, passkey::unknown_credential};
use proxy::Proxy;
use serde_json::{Value, json};
use services::Services;
use tokio::time::{sleep, timeout};

/// The longest time that an answer may take, whatever is unavailable.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(8);
/// The longest time that a recovery may take.
const MAX_RECOVERY_TIME: Duration = Duration::from_secs(5);

/// Operations that need no database.
const WITHOUT_DATABASE: [&str; 4] = ["health", "openapi", "jwks", "config"];

/// Returns a valid request for every operation of `openapi.json` and for a page, with its status without the database.
fn routes(person: &Person<'_>, team: &str) -> Vec<(Method, String, Value, u16)> {
    let organization = team.rsplit('/').next().unwrap_or_default();
    let value = |name: &str| match name {
        "organizationId" => organization.to_owned(),
        "id" => person.session.clone(),
        "provider" => "acme".to_owned(),
        _ => person.id.clone(),
    };
    let mut routes: Vec<_> = document::operations()
        .into_iter()
        .map(|operation| {
            let path = match operation.id.as_str() {
                "remove_account" => operation.path.replace("{id}", "password"),
                _ => operation.path_with(value),
            };
            let body = match operation.id.as_str() {
                "refresh" => json!({ "refreshToken": person.refresh_token }),
                "verify_magic_link" => json!({ "token": "unknown" }),
                "exchange_provider_code" => json!({ "code": "unknown" }),
                "add_passkey" => {
                    json!({ "token": "unknown", "name": "Phone", "credential": unknown_credential() })
                }
                "sign_in_with_passkey" => json!({ "token": "unknown", "credential": unknown_credential() }),
                "create_account" => json!({ "provider": "acme" }),
                "reauthenticate" => json!({ "currentPassword": "not the password" }),
                "verify_challenge" => json!({ "token": "unknown", "code": "123456" }),
                _ => operation.body.unwrap_or_default(),
            };
            let status = match operation.id.as_str() {
                // A browser sees what it answers, so it leads to the front end also if nothing works.
                "provider_callback" => 303,
                // Without the cookie of a browser.
                "exchange_provider_code" => 401,
                id if WITHOUT_DATABASE.contains(&id) => 200,
                _ => 503,
            };
            (operation.method, path, body, status)
        })
        .collect();
    routes.push((Method::GET, "/account/reset-password?token=unknown".to_owned(), Value::Null, 200));
    routes
}

async fn send(client: &Client<'_>, method: Method, path: &str, body: &Value) -> Answer {
    let (client, body) = if body.is_null() {
        (client.clone(), Body::empty())
    } else {
        (client.with("content-type", "application/json"), Body::from(body.to_string()))
    };
    let started = Instant::now();
    let answer = timeout(MAX_ANSWER_TIME, client.send(method.clone(), path, body)).await;
    answer.unwrap_or_else(|_| panic!("{method} {path} takes more than {:?}", started.elapsed()))
}

/// Repeats the request until the answer has `status`. Fails after `MAX_RECOVERY_TIME`.
async fn recovers(client: &Client<'_>, path: &str, status: u16) -> Answer {
    recovers_within(MAX_RECOVERY_TIME, client, path, status).await
}

async fn recovers_within(limit: Duration, client: &Client<'_>, path: &str, status: u16) -> Answer {
    let started = Instant::now();
    loop {
        let answer = client.get(path).await;
        if answer.status == status {
            return answer;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(started.elapsed() < limit, "{path} does not recover: {answer:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn assert_unavailable_without_database(app: &TestApp, ada: &Person<'_>, team: &str) {
    // Eight at a time: each waits for a connection before it fails.
    for some in routes(ada, team).chunks(8) {
        let answers =
            some.iter().map(|(method, path, body, _)| send(&ada.client, method.clone(), path, body));
        for ((method, path, _, status), answer) in some.iter().zip(join_all(answers).await) {
            assert_eq!(answer.status, *status, "{method} {path}: {answer:?}");
            if *status == 503 {
                assert_eq!(answer.header("retry-after"), "5", "{method} {path}");
            }
            if *status == 503 && path != "/ready" {
                answer.refused(503, "unavailable");
            }
        }
    }
    // Refusals that need no database work as before.
    app.client().token("forged").get("/v1/auth/me").await.refused(401, "unauthenticated");
    app.client().post("/v1/auth/login", json!({})).await.refused(422, "invalid-body");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_answer_503_without_postgresql_and_recover() {
    let mut services = Services::start().await;
    let app = services.app(&[]).await;
    let ada = app.verified_person("Ada").await;
    // A profile that has just changed is not cached.
    ada.client.patch("/v1/auth/me", json!({ "name": "Augusta" })).await.ok(200);

    let team = ada.create_organization("Engines").await;

    services.stop_postgres();
    assert_unavailable_without_database(&app, &ada, &team).await;

    services.resume_postgres();
    recovers(&ada.client, "/v1/auth/me", 200).await;
    recovers(&app.client(), "/ready", 200).await;
    ada.client.patch("/v1/auth/me", json!({ "name": "Countess" })).await.ok(200);
    ada.sign_in_again().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_answer_503_without_the_pooler_and_recover() {
    let mut services = Services::start().await;
    let app = services.app(&[]).await;
    let ada = app.verified_person("Ada").await;

    let team = ada.create_organization("Engines").await;

    services.stop_pooler();
    assert_unavailable_without_database(&app, &ada, &team).await;

    services.resume_pooler();
    recovers(&ada.client, "/v1/auth/me", 200).await;
    ada.sign_in_again().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_restart_between_two_requests_is_not_noticed() {
    let mut services = Services::start().await;
    let app = services.app(&[]).await;
    let ada = app.verified_person("Ada").await;
    services.stop_postgres();
    services.resume_postgres();
    recovers(&ada.client, "/v1/auth/me", 200).await;
    services.stop_pooler();
    services.resume_pooler();
    // The pooled connection is closed; the request that notices this opens a new one.
    ada.client.get("/v1/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silently_lost_connection_is_replaced_during_the_request() {
    let services = Services::start().await;
    let network = Proxy::start(services.pooler_port()).await;
    let url = services
        .pooler_url()
        .replace(&format!(":{}/", services.pooler_port()), &format!(":{}/", network.port));
    let app = services.app(&[("DATABASE_URL", &url)]).await;
    let ada = app.verified_person("Ada").await;

    network.lose_connections();
    let answer = timeout(Duration::from_secs(15), ada.client.get("/v1/auth/sessions")).await;
    answer.expect("no hang").ok(200);

    // What was not answered is sent again, once.
    network.lose_connections();
    let team = timeout(Duration::from_secs(15), ada.create_organization("Engines")).await.expect("no hang");
    let all = ada.client.get("/v1/organizations").await.ok(200);
    let named = |team: &&Value| team["name"] == "Engines";
    assert_eq!(all.body["data"].as_array().expect("a list").iter().filter(named).count(), 1, "{team}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_without_redis_and_access_is_still_checked() {
    let mut services = Services::start().await;
    let app = services.app(&[("RATE_LIMIT_MAX_REQUESTS", "60")]).await;
    let (ada, bob) = (app.verified_person("Ada").await, app.person("Bob").await);
    let phone = ada.sign_in_again().await;
    phone.client.get("/v1/auth/me").await.ok(200);

    services.stop_redis();

    // Access is checked in the database.
    ada.client.get("/v1/auth/me").await.ok(200);
    ada.client.delete(&format!("/v1/auth/sessions/{}", phone.session)).await.ok(204);
    phone.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    bob.client.delete("/v1/auth/me").await.ok(204);
    bob.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    ada.sign_in_again().await;
    assert_eq!(app.client().get("/ready").await.ok(503).text("/checks/cache/status"), "away");
    let team = ada.create_organization("Engines").await;
    let key = json!({ "name": "Reader", "scopes": ["organization:read"] });
    let key = ada.client.post(&format!("{team}/api-keys"), key).await.ok(201);
    app.client().token(key.text("/data/key")).get(&team).await.ok(200);
    ada.client.delete(&format!("{team}/api-keys/{}", key.text("/data/id"))).await.ok(204);
    app.client().token(key.text("/data/key")).get(&team).await.refused(401, "unauthenticated");

    // Guesses and requests are counted in memory.
    let stranger = app.client();
    let guess = json!({ "email": ada.email, "password": "not the password" });
    for _ in 0..10 {
        stranger.post("/v1/auth/login", guess.clone()).await.refused(401, "wrong-credentials");
    }
    stranger.post("/v1/auth/login", guess).await.refused(429, "too-many-attempts");
    let eager = app.client();
    let mut refused = None;
    for _ in 0..61 {
        refused = Some(send(&eager, Method::GET, "/v1/config", &Value::Null).await);
    }
    refused.expect("an answer").refused(429, "too-many-requests");

    services.resume_redis();
    recovers(&app.client(), "/ready", 200).await;
    // A session that ended while Redis was unavailable stays ended.
    phone.client.get("/v1/auth/me").await.refused(401, "unauthenticated");
    ada.client.get("/v1/auth/me").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn function_without_its_keys_answers_503_and_accepts_no_token() {
    let services = Services::start().await;
    let running = services.app(&[]).await;
    let ada = running.person("Ada").await;
    let nowhere = "arn:aws:secretsmanager:us-east-1:123456789012:secret:nowhere-AbCdEf";
    let new = services.app(&[("JWT_PUBLIC_KEYS", nowhere)]).await;

    ada.client.get("/v1/auth/me").await.ok(200);
    let answer = new.client().token(&ada.access_token).get("/v1/auth/me").await;
    answer.refused(503, "unavailable");
    assert!(!answer.body.to_string().contains("nowhere"), "no internal detail is shown");
    assert_eq!(new.client().get("/ready").await.ok(503).text("/checks/secrets/status"), "away");
    new.client().get("/v1/auth/me").await.refused(401, "unauthenticated");
}
