//! An answer ends when it is cancelled, and when the client leaves.

use std::time::Duration;

use harness::{TestApp, model::Model};
use serde_json::json;
use shared::{
    config::Environment,
    domain::deadline::Deadline,
    http_client::{HttpClient, Request},
};
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::{BEGUN, QUESTION, app_with, ask, create, message, settled, wait_for};

/// The time in which an answer and its model must stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits until the server has noticed that nobody wants its answer.
async fn stopped(model: &Model) {
    let stopped = async {
        while model.seen().await.aborted == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(STOP_TIMEOUT, stopped).await.is_ok(), "the model writes on");
}

async fn answer_id(app: &TestApp) -> String {
    wait_for(app, BEGUN, "begun").await;
    app.database.value::<String>("SELECT id::text FROM messages WHERE status = 'streaming'").await
}

#[tokio::test]
async fn cancelled_answer_keeps_what_was_written() {
    let model = Model::default();
    model.delay(Duration::from_millis(900)).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let cancel = async {
        let id = answer_id(&app).await;
        sleep(Duration::from_millis(1_200)).await;
        ada.client.post_nothing(&format!("{path}/messages/{id}/cancel")).await.ok(202);
        let cancelled = Instant::now();
        stopped(&model).await;
        cancelled.elapsed()
    };
    let (events, took) = tokio::join!(ask(&ada, &path), cancel);
    assert!(took < STOP_TIMEOUT, "{took:?}");
    assert_eq!((events.status(), events.text().starts_with("The ")), ("cancelled", true));
    let stored = message(&ada, &path, events.id()).await;
    assert_eq!((&stored["status"], &stored["content"]), (&json!("cancelled"), &json!(events.text())));
    assert_eq!(stored["usage"]["estimated"], true);
    let used = u64::try_from(settled(&app).await).expect("a count");
    assert!(used >= model.seen().await.tokens, "{used}");
}

#[tokio::test]
async fn answer_of_a_silent_model_can_be_cancelled() {
    let model = Model::new("stub-hang");
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let cancel = async {
        let id = answer_id(&app).await;
        ada.client.post_nothing(&format!("{path}/messages/{id}/cancel")).await.ok(202);
        stopped(&model).await;
    };
    let (events, ()) = tokio::join!(ask(&ada, &path), cancel);
    assert_eq!((events.status(), events.text().as_str()), ("cancelled", ""));
    settled(&app).await;
}

#[tokio::test]
async fn deleted_conversation_cancels_its_answer() {
    let model = Model::new("stub-hang");
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let delete = async {
        answer_id(&app).await;
        ada.client.delete(&path).await.ok(204);
        stopped(&model).await;
    };
    let (events, ()) = tokio::join!(ask(&ada, &path), delete);
    assert_eq!(events.status(), "cancelled");
    assert_eq!(app.database.value::<String>("SELECT string_agg(content, '') FROM messages").await, "");
    settled(&app).await;
}

/// Asks at the API on a port, and leaves after the first bytes; before them, if the answer comes in one piece.
async fn ask_and_leave(app: &TestApp, token: &str, path: &str, accept: &str) {
    let server = app.serve().await;
    let url: Url = format!("{}{path}/answers", server.url()).parse().expect("a URL");
    let authorization = format!("Bearer {token}");
    let headers =
        [("accept", accept), ("authorization", authorization.as_str()), ("content-type", "application/json")];
    let body = json!({ "content": QUESTION, "sources": { "mode": "none" } }).to_string().into_bytes();
    let request = Request {
        method: "POST",
        url: &url,
        headers: &headers,
        body,
        deadline: Deadline::after(Duration::from_secs(30)),
        max_bytes: 1 << 20,
    };
    let client = HttpClient::new(Environment::Test);
    if accept == "application/json" {
        let asked = timeout(Duration::from_millis(700), client.send(request)).await;
        assert!(asked.is_err(), "the answer has not ended");
    } else {
        let mut response = client.send(request).await.expect("a response");
        assert!(response.chunk().await.expect("a chunk").is_some());
        sleep(Duration::from_millis(500)).await;
    }
    // What the client has dropped is closed now; the server runs on until the end of this test.
    let left = Instant::now();
    wait_for(app, "SELECT max(status) FROM messages WHERE role = 'assistant'", "cancelled").await;
    assert!(left.elapsed() < STOP_TIMEOUT, "{:?}", left.elapsed());
}

#[tokio::test]
async fn client_that_leaves_cancels_the_answer() {
    for accept in ["text/event-stream", "application/json"] {
        let model = Model::default();
        model.delay(Duration::from_millis(300)).await;
        let app = app_with(&model, &[]).await;
        let ada = app.person("Ada").await;
        let path = create(&ada, &ada.create_organization("Engines").await).await;
        ask_and_leave(&app, &ada.access_token, &path, accept).await;
        stopped(&model).await;
        let used = u64::try_from(settled(&app).await).expect("a count");
        assert!(used >= model.seen().await.tokens, "{accept}: {used}");
    }
}
