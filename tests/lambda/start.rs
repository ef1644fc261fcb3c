use harness::{Database, runtime_api::Function};
use serde_json::json;

use crate::{
    environment,
    events::{body, http},
};

#[tokio::test]
async fn a_function_with_a_wrong_setting_does_not_start_and_says_everything_that_is_wrong() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("JWT_EXPIRY".to_owned(), "soon".to_owned());
    environment.remove("REDIS_URL");
    let mut auth = Function::start("auth", environment).await;
    assert!(!auth.ended().await.success());
    let line = auth.log_line(|line| line.contains("invalid configuration")).await;
    assert!(line.contains("JWT_EXPIRY") && line.contains("REDIS_URL is not set"), "{line}");
}

#[tokio::test]
async fn a_deployed_function_does_not_start_with_a_secret_in_its_environment() {
    let database = Database::create().await;
    let mut environment = environment(&database);
    environment.insert("NODE_ENV".to_owned(), "production".to_owned());
    let password = environment["DATABASE_URL"].split([':', '@']).nth(2).expect("a password").to_owned();
    let mut auth = Function::start("auth", environment).await;
    assert!(!auth.ended().await.success());
    let line = auth.log_line(|line| line.contains("DATABASE_URL holds a value")).await;
    assert!(!line.contains(&password), "{line}");
}

#[tokio::test]
async fn a_function_starts_while_everything_it_needs_is_away_and_says_so_to_each_request() {
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
