use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use harness::TestApp;
use serde_json::{Value, json};
use shared::aws::client;
use uuid::Uuid;

use super::{create, events, file, id, set};

async fn sqs() -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(client::config().await)
}

/// Creates a queue for one test, and returns its URL.
async fn queue() -> String {
    let name = format!("test-{}", Uuid::new_v4().simple());
    sqs().await.create_queue().queue_name(name).send().await.expect("a queue").queue_url.expect("a URL")
}

/// Returns how many messages wait in the queue, and how many are delayed.
async fn waiting(queue: &str) -> [String; 2] {
    let names = [Attribute::ApproximateNumberOfMessages, Attribute::ApproximateNumberOfMessagesDelayed];
    let get = sqs().await.get_queue_attributes().queue_url(queue).set_attribute_names(Some(names.to_vec()));
    let found = get.send().await.expect("the attributes").attributes.unwrap_or_default();
    names.map(|name| found.get(&name).cloned().unwrap_or_default())
}

#[tokio::test]
async fn only_a_failure_that_may_end_is_retried() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(12, 1)).await;
    for state in [
        "status = 'pending'",
        "status = 'processing', stage = 'indexing'",
        "status = 'ready', stage = NULL",
        "status = 'expired'",
        "status = 'failed', failure = 'encrypted-file'",
        "status = 'failed', failure = 'content-missing'",
    ] {
        set(&app, &path, state).await;
        ada.client.post_nothing(&format!("{path}/retry")).await.refused(409, "nothing-to-retry");
    }
    assert_eq!(events(&ada, &team, "artifact.retried").await, 0);
}

#[tokio::test]
async fn a_retry_continues_where_the_processing_stopped() {
    let (extract, index) = (queue().await, queue().await);
    let app = TestApp::with(&[("EXTRACT_QUEUE_URL", &extract), ("INDEX_QUEUE_URL", &index)]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(12, 1)).await;

    set(&app, &path, "status = 'failed', failure = 'processing-stopped', attempts = 3, lease_until = now()")
        .await;
    let retried = ada.client.post_nothing(&format!("{path}/retry")).await.ok(202);
    let data = &retried.body["data"];
    assert_eq!((&data["status"], &data["stage"]), (&json!("processing"), &json!("extracting")));
    assert_eq!((&data["failure"], retried.header("etag")), (&Value::Null, "\"2\""));
    assert_eq!(
        (waiting(&extract).await, waiting(&index).await),
        (["0", "1"].map(str::to_owned), ["0", "0"].map(str::to_owned))
    );

    set(
        &app,
        &path,
        "status = 'failed', stage = NULL, failure = 'budget-used-up', chunks_total = 9, chunks_done = 4",
    )
    .await;
    let retried = ada.client.post_nothing(&format!("{path}/retry")).await.ok(202);
    assert_eq!(retried.body["data"]["stage"], "indexing");
    assert_eq!(
        (waiting(&extract).await, waiting(&index).await),
        (["0", "1"].map(str::to_owned), ["0", "1"].map(str::to_owned))
    );
    let left = "SELECT attempts || ' ' || (lease_until IS NULL) FROM artifacts";
    assert_eq!(app.database.value::<String>(left).await, "0 true");
    assert_eq!(events(&ada, &team, "artifact.retried").await, 2);
    ada.client.post_nothing(&format!("{path}/retry")).await.refused(409, "nothing-to-retry");
}

#[tokio::test]
async fn without_the_queue_nothing_is_retried() {
    let nowhere = "http://127.0.0.1:1/123456789012/no-such-queue";
    let app =
        TestApp::with(&[("EXTRACT_QUEUE_URL", nowhere), ("INDEX_QUEUE_URL", "http://127.0.0.1:1/1/none")])
            .await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(12, 1)).await;
    set(&app, &path, "status = 'failed', failure = 'indexing-failed'").await;
    let before = app.database.checksums().await;
    ada.client.post_nothing(&format!("{path}/retry")).await.refused(503, "unavailable");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn content_that_was_created_again_is_not_processed_twice() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(12, 1)).await;
    set(&app, &path, "status = 'failed', failure = 'indexing-failed'").await;
    let again = create(&ada, &team, file(12, 1)).await;
    let refused = ada.client.post_nothing(&format!("{path}/retry")).await;
    refused.refused(409, "same-content-exists");
    assert_eq!(refused.text("/artifactId"), id(&again));
}
