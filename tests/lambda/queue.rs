//! Batches of a queue, for the real binary of `mail-events`.

use std::time::{Duration, Instant};

use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::environment;

fn batch(bodies: &[(&str, String)]) -> Value {
    let records = bodies.iter().map(|(id, body)| {
        json!({
            "messageId": id, "receiptHandle": "handle", "body": body, "md5OfBody": "x",
            "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1767323045000" },
            "messageAttributes": {}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:mail-events", "awsRegion": "us-east-1"
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

fn bounce(address: &str) -> String {
    json!({
        "eventType": "Bounce", "mail": { "messageId": "m" },
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-01-01T00:00:00.000Z",
            "bouncedRecipients": [{ "emailAddress": address }]
        }
    })
    .to_string()
}

fn failed(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().expect("a batch response");
    failures.iter().filter_map(|failure| failure["itemIdentifier"].as_str()).collect()
}

#[tokio::test]
async fn malformed_message_fails_alone_and_the_log_has_its_id_but_not_its_body() {
    let database = Database::create().await;
    let function = Function::start("mail-events", environment(&database)).await;
    let event = batch(&[
        ("first", bounce("ada@example.com")),
        ("poison", "{\"eventType\": \"Bounce\", \"bounce\": \"hidden@example.com\"}".to_owned()),
        ("greeting", "Successfully validated SNS topic for Amazon SES event publishing.".to_owned()),
        ("last", bounce("bob@example.com")),
    ]);
    let answer = function.invoke(event).await.expect("a response");
    assert_eq!(failed(&answer), ["poison"]);
    let stopped: i64 = database.value("SELECT count(*) FROM mail_suppressions").await;
    assert_eq!(stopped, 2);
    let line = function.log_line(|line| line.contains("message failed")).await;
    assert!(line.contains("\"poison\"") && line.contains("ERROR"), "{line}");
    let log = function.log().concat();
    assert!(!log.contains("@example.com"), "{log}");
    function.log_line(|line| line.contains("MailEvents")).await;
}

#[tokio::test]
async fn event_that_is_no_batch_fails_the_invocation() {
    let database = Database::create().await;
    let function = Function::start("mail-events", environment(&database)).await;
    let error = function.invoke(json!({ "Records": "hidden@example.com" })).await.expect_err("no batch");
    assert!(error.to_string().contains("invalid event"), "{error}");
    function.log_line(|line| line.contains("batch failed")).await;
    let answer = function.invoke(batch(&[("next", bounce("ada@example.com"))])).await.expect("a response");
    assert_eq!(failed(&answer), Vec::<&str>::new());
}

#[tokio::test]
async fn messages_are_returned_before_the_time_is_up_when_the_database_hangs() {
    let database = Database::create().await;
    // Accepts connections and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut environment = environment(&database);
    let url = format!("postgresql://nobody:x@{}/none", hanging.local_addr().expect("an address"));
    environment.insert("DATABASE_URL".to_owned(), url);
    environment.insert("DB_CONNECTION_TIMEOUT".to_owned(), "60000".to_owned());
    let function = Function::start("mail-events", environment).await;
    let (begin, time) = (Instant::now(), Duration::from_secs(4));
    let event = batch(&[("a", bounce("ada@example.com")), ("b", bounce("bob@example.com"))]);
    let answer = function.invoke_within(time, event).await.expect("a response");
    assert!(begin.elapsed() < time, "{:?}", begin.elapsed());
    assert_eq!(failed(&answer), ["a", "b"]);
    drop(hanging);

    let event = batch(&[("late", bounce("ada@example.com"))]);
    let answer = function.invoke_within(Duration::from_millis(900), event).await.expect("a response");
    assert_eq!(failed(&answer), ["late"]);
    function.log_line(|line| line.contains("no time left")).await;
}
