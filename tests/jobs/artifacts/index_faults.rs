//! `index` while the model fails.

use std::time::Duration;

use harness::model::Model;
use shared::domain::ingestion::IndexKind;

use super::setup::{Setup, deliver, deliver_from, extracted, message};

/// As in AWS.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(2);

/// An artifact waits for the model and has no lease. Dead letters make it `model-unavailable`; a retry makes it ready.
async fn waits_then_fails_then_recovers(setup: &Setup) {
    let (function, upload) = (setup.index().await, setup.extracted(70).await);
    for _ in 0..2 {
        assert!(!deliver(&function, &extracted(&upload)).await);
        assert_eq!(setup.state(&upload).await, "processing/indexing");
        assert_eq!(setup.count("SELECT count(*) FROM artifacts WHERE lease_until IS NULL").await, 1);
        assert_eq!(setup.count("SELECT count(*) FROM token_reservations").await, 0);
        setup.check().await;
    }
    assert!(!function.log().iter().any(|line| line.contains("ERROR")), "{:#?}", function.log());
    assert!(deliver_from(&function, "index-dead-letters", &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "failed/model-unavailable");
    assert_eq!(setup.paid().await, 0);
    setup.check().await;

    setup.model.recover().await;
    // As `/retry` does.
    setup.execute("UPDATE artifacts SET status = 'processing', stage = 'indexing', failure = NULL").await;
    let other = setup.index().await;
    assert!(deliver(&other, &message(&upload, IndexKind::Continue)).await, "{:#?}", other.log());
    assert_eq!(setup.state(&upload).await, "ready");
    assert_eq!(setup.paid().await, setup.model.seen().await.tokens);
    setup.check().await;
}

#[tokio::test]
async fn model_that_fails() {
    let setup = Setup::new().await;
    setup.model.fail("500", None).await;
    waits_then_fails_then_recovers(&setup).await;
}

#[tokio::test]
async fn model_that_answers_garbage() {
    let setup = Setup::new().await;
    setup.model.fail("garbage", None).await;
    waits_then_fails_then_recovers(&setup).await;
}

#[tokio::test]
async fn model_that_hangs() {
    let setup = Setup::with(Model::default(), &[("OPENAI_TIMEOUT", "300")]).await;
    setup.model.fail("hang", None).await;
    waits_then_fails_then_recovers(&setup).await;
}

#[tokio::test]
async fn model_that_throttles() {
    let setup = Setup::new().await;
    setup.model.fail("429", None).await;
    waits_then_fails_then_recovers(&setup).await;
}

#[tokio::test]
async fn throttled_message_is_delivered_again_after_the_time_that_the_model_asks_for() {
    let setup = Setup::new().await;
    setup.model.fail("429", None).await;
    let (function, upload) = (setup.index().await, setup.extracted(1).await);
    setup.ingestion.send("index", &extracted(&upload)).await;
    // A visibility timeout for which no test waits. The model asks for a second.
    let batch = setup.ingestion.receive("index", Duration::from_hours(1)).await.expect("a message");
    let answer = function.invoke_within(INVOCATION_TIMEOUT, batch.event.clone()).await.expect("a response");
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(1), "{:#?}", function.log());
    setup.model.recover().await;
    let begin = std::time::Instant::now();
    let again = loop {
        if let Some(batch) = setup.ingestion.receive("index", Duration::from_mins(1)).await {
            break batch;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "{:#?}", function.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let answer = function.invoke_within(INVOCATION_TIMEOUT, again.event.clone()).await.expect("a response");
    assert_eq!(answer["batchItemFailures"].as_array().map(Vec::len), Some(0));
    assert_eq!(setup.state(&upload).await, "ready");
}

#[tokio::test]
async fn model_that_does_not_exist_is_an_error_of_ours() {
    let setup =
        Setup::with(Model::default(), &[("EMBEDDING_DIMENSIONS", "12"), ("EMBEDDING_MODEL", "none")]).await;
    let (function, upload) = (setup.index().await, setup.extracted(1).await);
    assert!(!deliver(&function, &extracted(&upload)).await);
    function.log_line(|line| line.contains("model rejected the request") && line.contains("ERROR")).await;
    assert!(deliver_from(&function, "index-dead-letters", &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "failed/indexing-failed");
    setup.check().await;
}

#[tokio::test]
async fn tokens_of_answers_that_cannot_be_used_are_paid() {
    // The model has vectors of another length.
    let setup = Setup::with(Model::default(), &[("EMBEDDING_DIMENSIONS", "100")]).await;
    let (function, upload) = (setup.index().await, setup.extracted(3).await);
    assert!(!deliver(&function, &extracted(&upload)).await);
    function.log_line(|line| line.contains("instead of 100") && line.contains("WARN")).await;
    let tokens = setup.model.seen().await.tokens;
    assert!(tokens > 0);
    assert_eq!(setup.paid().await, tokens);
    setup.check().await;
}

#[tokio::test]
async fn failures_in_the_middle_lose_no_batch() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(200).await);
    setup.model.delay(Duration::from_millis(300)).await;
    let fail = async {
        setup.wait_for("SELECT chunks_done::bigint FROM artifacts", 64).await;
        setup.model.fail("500", Some(1)).await;
    };
    let body = extracted(&upload);
    let (handled, ()) = tokio::join!(deliver(&function, &body), fail);
    assert!(handled, "a delivery with progress does not count as a try");
    assert_eq!(setup.ingestion.messages("index").await, 1, "another one continues after a pause");
    assert_eq!(setup.count("SELECT count(*) FROM artifacts WHERE lease_until IS NULL").await, 1);
    let done = setup.count("SELECT chunks_done::bigint FROM artifacts").await;
    assert!((64..200).contains(&done), "{done}");
    assert!(deliver(&function, &body).await, "{:#?}", function.log());
    let seen = setup.model.seen().await;
    assert_eq!((setup.state(&upload).await, seen.inputs), ("ready".to_owned(), 200));
    assert_eq!(setup.paid().await, seen.tokens);
    setup.check().await;
}
