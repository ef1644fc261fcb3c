//! Tokens with unknown keys cause few reads of a secret.

use std::{collections::HashMap, time::Instant};

use data_encoding::BASE64URL_NOPAD;
use harness::{
    Database,
    events::{body, http},
    function_settings,
    runtime_api::Function,
    service,
};
use serde_json::{Value, json};

use super::{Keys, random_bytes};

/// The shortest time between two reads of a secret, in seconds.
const MIN_READ_INTERVAL: u64 = 10;
const REQUESTS: u8 = 100;

pub async fn auth(keys: &Keys, database: &Database, settings: &[(&str, &str)]) -> Function {
    let mut environment: HashMap<String, String> = [
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "APP_URL",
        "MAIL_FROM",
        "ARTIFACT_BUCKET",
    ]
    .map(|name| (name.to_owned(), service(name)))
    .into();
    environment.extend(function_settings(database));
    environment.extend(keys.settings());
    environment.insert("AWS_ENDPOINT_URL".to_owned(), keys.proxy.url.clone());
    environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Function::start("auth", environment).await
}

/// Sends many events that are refused. Checks how often `arn` was read during that time.
async fn flood(keys: &Keys, arn: &str, event: impl Fn(u8) -> Value) {
    let database = Database::create().await;
    let begun = Instant::now();
    let auth = auth(keys, &database, &[]).await;
    let register = json!({ "name": "Ada", "email": "ada@example.com", "password": "a long enough phrase" });
    let headers = json!({ "content-type": "application/json" });
    let register = http("POST", "/v1/auth/register", &headers, Some(&register.to_string()), "203.0.113.7");
    let registered = auth.invoke(register).await.expect("an answer");
    assert_eq!(registered["statusCode"], 201, "{registered}");
    for n in 0..REQUESTS {
        let answer = auth.invoke(event(n)).await.expect("an answer");
        assert_eq!(answer["statusCode"], 401, "{answer}");
    }
    let reads = keys.proxy.reads(arn);
    let allowed = 1 + usize::try_from(begun.elapsed().as_secs() / MIN_READ_INTERVAL).expect("a small number");
    assert!((1..=allowed).contains(&reads), "{reads} reads, {allowed} allowed");
    // A valid token is still accepted.
    let token = body(&registered)["data"]["accessToken"].as_str().expect("a token").to_owned();
    let headers = json!({ "authorization": format!("Bearer {token}") });
    let me = auth.invoke(http("GET", "/v1/auth/me", &headers, None, "203.0.113.7")).await.expect("an answer");
    assert_eq!(me["statusCode"], 200, "{me}");
}

#[tokio::test]
async fn unknown_access_token_keys_cause_one_read_in_ten_seconds() {
    let keys = Keys::new().await;
    flood(&keys, &keys.verification, |n| {
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": format!("unknown-{n}") }).to_string();
        let token =
            [header.as_bytes(), b"{}", &random_bytes()].map(|part| BASE64URL_NOPAD.encode(part)).join(".");
        let headers = json!({ "authorization": format!("Bearer {token}") });
        http("GET", "/v1/auth/me", &headers, None, &format!("198.51.100.{n}"))
    })
    .await;
}

#[tokio::test]
async fn unknown_refresh_token_keys_cause_one_read_in_ten_seconds() {
    let keys = Keys::new().await;
    flood(&keys, &keys.auth, |n| {
        // As long as a real token: the id of a key, and 68 bytes.
        let token = format!(
            "rt_{}",
            BASE64URL_NOPAD.encode(&[&random_bytes(), &random_bytes(), &[n; 8][..]].concat())
        );
        let headers = json!({ "content-type": "application/json" });
        let body = json!({ "refreshToken": token }).to_string();
        http("POST", "/v1/auth/refresh", &headers, Some(&body), &format!("198.51.100.{n}"))
    })
    .await;
}
