//! Each fault of a model has its end, and leaves the budget and the message right.

use std::time::Duration;

use harness::model::Model;
use serde_json::json;
use tokio::time::Instant;

use super::{QUESTION, app_with, ask, create, message, settled};

#[tokio::test]
async fn every_fault_of_a_model_has_its_end() {
    // The fault, the failure, what was written, and whether tokens are to be paid.
    for (kind, failure, text, costs) in [
        ("stub-500", "model-unavailable", "", false),
        ("stub-429", "model-unavailable", "", false),
        ("stub-hang", "model-timed-out", "", true),
        ("stub-stall", "model-timed-out", "The sources do ", true),
        ("stub-cut", "answer-cut", "The sources do ", true),
        ("stub-error", "model-unavailable", "The sources do ", true),
        ("stub-garbage", "invalid-answer", "", true),
        ("none", "model-rejected", "", false),
    ] {
        let model = Model::new(kind);
        let app = app_with(&model, &[("OPENAI_TIMEOUT", "1000")]).await;
        let ada = app.person("Ada").await;
        let path = create(&ada, &ada.create_organization("Engines").await).await;
        let begin = Instant::now();
        let events = ask(&ada, &path).await;
        assert!(begin.elapsed() < Duration::from_secs(5), "{kind}: {:?}", begin.elapsed());
        assert_eq!((events.problem(), events.text().as_str()), (failure, text), "{kind}");
        assert_eq!(events.one("error")["status"], 503, "{kind}");
        let stored = message(&ada, &path, events.id()).await;
        assert_eq!(
            (&stored["status"], &stored["failure"], &stored["content"]),
            (&json!("failed"), &json!(failure), &json!(text)),
            "{kind}"
        );
        let used = u64::try_from(settled(&app).await).expect("a count");
        assert_eq!(used > 0, costs, "{kind}: {used}");
        assert!(used >= model.seen().await.tokens, "{kind}: {used}");
        // In one piece it is a message too, which says why it failed.
        let whole = json!({ "content": QUESTION, "sources": { "mode": "none" } });
        let whole = ada.client.post(&format!("{path}/answers"), whole).await.ok(201);
        assert_eq!((whole.text("/data/failure"), whole.text("/data/content")), (failure, text), "{kind}");
        settled(&app).await;
    }
}

#[tokio::test]
async fn one_failure_before_the_first_token_is_not_noticed() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    model.fail("500", Some(1)).await;
    assert_eq!(ask(&ada, &path).await.status(), "complete");
    assert_eq!(model.seen().await.failed, 1);
    model.fail("500", Some(2)).await;
    assert_eq!(ask(&ada, &path).await.problem(), "model-unavailable");
    settled(&app).await;
}

#[tokio::test]
async fn deadline_ends_an_answer() {
    let model = Model::default();
    model.delay(Duration::from_millis(500)).await;
    let app = app_with(&model, &[("CHAT_DEADLINE", "1300")]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let begin = Instant::now();
    let events = ask(&ada, &path).await;
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!((events.problem(), events.text().as_str()), ("deadline-exceeded", "The sources "));
    let used = u64::try_from(settled(&app).await).expect("a count");
    assert!(used > 0);
}

#[tokio::test]
async fn breaker_refuses_before_anything_is_stored() {
    let model = Model::new("stub-garbage");
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    for _ in 0..5 {
        assert_eq!(ask(&ada, &path).await.problem(), "invalid-answer");
    }
    let (asked, stored) = (model.seen().await.failed, "SELECT count(*) FROM messages");
    assert_eq!(app.database.value::<i64>(stored).await, 10);
    let body = json!({ "content": QUESTION });
    for accept in ["text/event-stream", "application/json"] {
        let client = ada.client.with("accept", accept);
        let refused = client.post(&format!("{path}/answers"), body.clone()).await;
        refused.refused(503, "model-unavailable");
        assert_eq!(refused.header("retry-after"), "15");
    }
    assert_eq!((model.seen().await.failed, app.database.value::<i64>(stored).await), (asked, 10));
    settled(&app).await;
}
