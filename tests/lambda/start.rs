use std::collections::HashMap;

use harness::{Database, create_secret, runtime_api::Function, split_credentials};
use serde_json::{Value, json};

use crate::{
    environment,
    events::{body, http},
};

#[tokio::test]
async fn function_with_wrong_settings_does_not_start_and_lists_all_of_them() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("JWT_EXPIRY".to_owned(), "soon".to_owned());
    environment.remove("REDIS_URL");
    let mut auth = Function::start("auth", environment).await;
    assert!(!auth.wait_for_exit().await.success());
    let line = auth.log_line(|line| line.contains("invalid configuration")).await;
    assert!(line.contains("JWT_EXPIRY") && line.contains("REDIS_URL is not set"), "{line}");
}

#[tokio::test]
async fn deployed_function_does_not_start_with_a_secret_in_its_environment() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("NODE_ENV".to_owned(), "production".to_owned());
    let password = environment["DATABASE_URL"].split([':', '@']).nth(2).expect("a password").to_owned();
    let mut auth = Function::start("auth", environment).await;
    assert!(!auth.wait_for_exit().await.success());
    let line = auth.log_line(|line| line.contains("DATABASE_URL holds a value")).await;
    assert!(!line.contains(&password), "{line}");
}

/// Returns the settings of a function on `database`, with every password in a secret instead of in its URL, and the passwords.
async fn environment_with_credentials(database: &Database) -> (HashMap<String, String>, Vec<String>) {
    let mut environment = environment(database);
    let mut passwords = Vec::new();
    for service in ["DATABASE", "REDIS"] {
        let (url, credentials) = split_credentials(&environment[&format!("{service}_URL")]);
        passwords.push(credentials["password"].as_str().expect("a password").to_owned());
        environment.insert(format!("{service}_URL"), url);
        environment.insert(format!("{service}_CREDENTIALS"), create_secret(&credentials).await);
    }
    (environment, passwords)
}

async fn readiness(function: &Function) -> (Value, Value) {
    let ready = function.invoke(http("GET", "/ready", &json!({}), None, "203.0.113.7")).await;
    let answer = ready.expect("an answer");
    (answer["statusCode"].clone(), body(&answer)["checks"].clone())
}

#[tokio::test]
async fn function_reads_its_passwords_from_secrets() {
    let database = Database::create().await;
    let (environment, passwords) = environment_with_credentials(&database).await;
    let system = Function::start("system", environment).await;
    let (status, checks) = readiness(&system).await;
    assert_eq!(status, 200, "{checks}");
    assert!(passwords.iter().all(|password| !system.log().concat().contains(password)));
}

#[tokio::test]
async fn deployed_function_does_not_connect_without_tls() {
    let database = Database::create().await;
    let (mut environment, passwords) = environment_with_credentials(&database).await;
    environment.insert("NODE_ENV".to_owned(), "production".to_owned());
    // A value, as only local development may have it. This function does not use it.
    environment.remove("OPENAI_API_KEY");
    environment.remove("OAUTH_PROVIDERS");
    let system = Function::start("system", environment).await;
    let (status, checks) = readiness(&system).await;
    assert_eq!(status, 503, "{checks}");
    let found = ["database", "cache", "secrets"].map(|name| checks[name]["status"].clone());
    assert_eq!(found, ["away", "away", "ok"]);
    system.log_line(|line| line.contains("server does not support TLS")).await;
    system.log_line(|line| line.contains("REDIS_URL must be a rediss:// URL here")).await;
    assert!(passwords.iter().all(|password| !system.log().concat().contains(password)));
}

#[tokio::test]
async fn function_with_credentials_given_twice_does_not_start() {
    let database = Database::create().await;
    let (mut environment, passwords) = environment_with_credentials(&database).await;
    environment.insert("DATABASE_URL".to_owned(), database.pooler_url());
    let mut system = Function::start("system", environment).await;
    assert!(!system.wait_for_exit().await.success());
    let line = system.log_line(|line| line.contains("DATABASE_URL is not a URL")).await;
    assert!(line.contains("DATABASE_CREDENTIALS") && !line.contains(&passwords[0]), "{line}");
}

#[tokio::test]
async fn function_starts_without_its_dependencies_and_answers_503() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("DATABASE_URL".to_owned(), "postgresql://nobody:x@127.0.0.1:1/none".to_owned());
    environment.insert("REDIS_URL".to_owned(), "redis://127.0.0.1:1".to_owned());
    let auth = Function::start("auth", environment).await;
    let headers = json!({ "content-type": "application/json" });
    let login = json!({ "email": "ada@example.com", "password": "a long enough phrase" }).to_string();
    let answer = auth
        .invoke(http("POST", "/v1/auth/login", &headers, Some(&login), "203.0.113.7"))
        .await
        .expect("an answer");
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert_eq!(answer["headers"]["retry-after"], "5");
    assert_eq!(body(&answer)["type"], "https://archesai.com/problems/unavailable");
}
