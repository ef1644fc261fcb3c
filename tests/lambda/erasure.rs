use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};

use crate::{
    environment,
    events::{body, http},
};

async fn register(auth: &Function, email: &str) -> Value {
    let person = json!({ "name": "Ada", "email": email, "password": "a long enough phrase" }).to_string();
    let headers = json!({ "content-type": "application/json" });
    let event = http("POST", "/v1/auth/register", &headers, Some(&person), "203.0.113.7");
    let answer = auth.invoke(event).await.expect("an answer");
    assert_eq!(answer["statusCode"], 201, "{answer}");
    body(&answer)["data"].take()
}

#[tokio::test]
async fn erasure_without_the_ledger_fails_and_changes_nothing() {
    let database = Database::create().await;
    let auth = Function::start("auth", environment(&database)).await;
    let (grace, ada) = (register(&auth, "grace@example.com").await, register(&auth, "ada@example.com").await);
    database.execute("UPDATE users SET system_administrator = true WHERE email = 'grace@example.com'").await;
    let bearer =
        json!({ "authorization": format!("Bearer {}", grace["accessToken"].as_str().expect("a token")) });
    let path = format!("/v1/users/{}/erase", ada["user"]["id"].as_str().expect("an id"));
    let erase = http("POST", &path, &bearer, None, "203.0.113.7");
    let before = database.checksums().await;

    let mut without_s3 = environment(&database);
    without_s3.insert("AWS_ENDPOINT_URL_S3".to_owned(), "http://127.0.0.1:1".to_owned());
    let users = Function::start("users", without_s3).await;
    let answer = users.invoke(erase.clone()).await.expect("an answer");
    assert_eq!(answer["statusCode"], 503, "{answer}");
    assert_eq!(answer["headers"]["retry-after"], "5");
    assert_eq!(body(&answer)["type"], "https://archesai.com/problems/unavailable");
    users.log_line(|line| line.contains("s3 unavailable")).await;
    assert_eq!(database.checksums().await, before);
    let noted: i64 = database.value("SELECT count(*) FROM audit_events WHERE action = 'user.erased'").await;
    assert_eq!(noted, 0);

    let users = Function::start("users", environment(&database)).await;
    let answer = users.invoke(erase).await.expect("an answer");
    assert_eq!(answer["statusCode"], 200, "{answer}");
    assert_ne!(database.checksums().await, before);
}
