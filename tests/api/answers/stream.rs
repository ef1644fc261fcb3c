//! The events of an answer, its message, and the answer in one piece.

use std::time::Duration;

use harness::{TestApp, model::Model};
use serde_json::json;
use shared::{
    config::Environment,
    domain::deadline::Deadline,
    http_client::{HttpClient, Request},
};
use tokio::time::{Instant, sleep};
use url::Url;

use super::{BEGUN, Events, QUESTION, app_with, ask, ask_with, create, message, settled, wait_for};
use crate::search::planted::plant;

const TEXTS: [&str; 2] = ["Backups are kept for 35 days. Nobody reads them.", "Engines need oil."];

#[tokio::test]
async fn answer_is_streamed_stored_and_settled() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &TEXTS).await;
    let path = create(&ada, &team).await;

    let events = ask_with(&ada, &path, json!({ "content": QUESTION })).await;

    assert_eq!(events.names(), ["message", "sources", "delta", "done"]);
    let text = events.text();
    assert!(text.starts_with("Backups are kept for 35 days [1]."), "{text}");
    let first = events.one("message");
    assert_eq!(first["model"], model.name());
    let source = &events.one("sources")[0];
    assert_eq!((&source["n"], &source["name"], &source["page"]), (&json!(1), &json!("Handbook"), &json!(1)));
    assert_eq!(source.as_object().expect("an object").len(), 5);
    let done = events.one("done");
    assert_eq!((events.status(), &done["retrieval"]), ("complete", &json!("hybrid")));
    assert_eq!(done["citations"][0], json!({ "n": 1, "start": 29, "end": 32 }));
    assert_eq!(done["usage"]["estimated"], false);

    let stored = message(&ada, &path, events.id()).await;
    assert_eq!((&stored["content"], &stored["status"]), (&json!(text), &json!("complete")));
    assert_eq!((&stored["usage"], &stored["citations"]), (&done["usage"], &done["citations"]));
    assert_eq!(stored["sources"][0]["quote"], TEXTS[0]);
    let question = message(&ada, &path, first["userMessageId"].as_str().expect("an id")).await;
    assert_eq!((&question["content"], &question["role"]), (&json!(QUESTION), &json!("user")));

    let used = settled(&app).await;
    let of_query = "SELECT sum(prompt_tokens)::bigint FROM usage_days WHERE kind = 'query'";
    let of_query = app.database.value::<i64>(of_query).await;
    assert_eq!(u64::try_from(used - of_query), Ok(model.seen().await.tokens));
    assert_eq!(done["budget"]["used"], used);
}

#[tokio::test]
async fn answer_is_one_piece_for_other_clients() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &TEXTS).await;
    let path = create(&ada, &team).await;
    let answer = ada.client.post(&format!("{path}/answers"), json!({ "content": QUESTION })).await.ok(201);
    assert_eq!(answer.body["data"], message(&ada, &path, answer.id()).await);
    assert_eq!((answer.text("/data/status"), answer.text("/data/role")), ("complete", "assistant"));
    assert!(answer.text("/data/content").starts_with("Backups are kept for 35 days [1]."));
}

#[tokio::test]
async fn model_sees_the_messages_before() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let mut prompts = Vec::new();
    for _ in 0..3 {
        let before = model.seen().await.tokens;
        let events = ask(&ada, &path).await;
        let written = u64::try_from(events.text().split_whitespace().count()).expect("a count");
        prompts.push(model.seen().await.tokens - before - written);
    }
    // A question of five words and an answer of six, each with three tokens around it.
    assert_eq!((prompts[1] - prompts[0], prompts[2] - prompts[1]), (17, 17), "{prompts:?}");
}

#[tokio::test]
async fn answer_ends_at_the_wanted_length() {
    let model = Model::new("stub-long");
    let app = app_with(&model, &[("OPENAI_MAX_TOKENS", "20")]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    for (wanted, words) in [(json!(5), 5), (json!(null), 20), (json!(500), 20)] {
        let body = json!({ "content": QUESTION, "sources": { "mode": "none" }, "maxTokens": wanted });
        let events = ask_with(&ada, &path, body).await;
        assert_eq!((events.status(), events.text().split_whitespace().count()), ("length", words));
    }
    settled(&app).await;
}

/// Opens a stream at the API on a port. Returns its chunks with the times at which they came.
async fn chunks(app: &TestApp, token: &str, path: &str) -> Vec<(Instant, String)> {
    let server = app.serve().await;
    let url: Url = format!("{}{path}/answers", server.url()).parse().expect("a URL");
    let authorization = format!("Bearer {token}");
    let headers = [
        ("accept", "text/event-stream"),
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    let body = json!({ "content": QUESTION, "sources": { "mode": "none" } }).to_string().into_bytes();
    let request = Request {
        method: "POST",
        url: &url,
        headers: &headers,
        body,
        deadline: Deadline::after(Duration::from_secs(30)),
        max_bytes: 1 << 20,
    };
    let mut response = HttpClient::new(Environment::Test).send(request).await.expect("a response");
    let mut chunks = Vec::new();
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        chunks.push((Instant::now(), String::from_utf8_lossy(chunk.as_ref()).into_owned()));
    }
    chunks
}

#[tokio::test]
async fn text_is_sent_while_it_is_written() {
    let model = Model::default();
    model.delay(Duration::from_millis(150)).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;

    let chunks = chunks(&app, &ada.access_token, &path).await;

    let events = Events::read(&chunks.iter().map(|(_, text)| text.as_str()).collect::<String>());
    assert_eq!((events.status(), events.text().as_str()), ("complete", "The sources do not say this."));
    let times: Vec<_> =
        chunks.iter().filter(|(_, text)| text.contains("event: delta")).map(|(time, _)| *time).collect();
    assert_eq!(times.len(), 6, "one for each word");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap > Duration::from_millis(50)), "{gaps:?}");
}

#[tokio::test]
async fn tokens_that_come_together_are_sent_together() {
    let model = Model::new("stub-long");
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let events = ask(&ada, &path).await;
    assert_eq!(events.text().split_whitespace().count(), 1_000);
    let deltas = events.0.iter().filter(|event| event.name == "delta").count();
    assert!(deltas < 500, "{deltas}");
}

#[tokio::test]
async fn no_transaction_is_open_while_the_model_writes() {
    let model = Model::default();
    model.delay(Duration::from_millis(200)).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()";
    let watch = async {
        wait_for(&app, BEGUN, "begun").await;
        // The beginning is committed; the next flush comes two seconds later.
        sleep(Duration::from_millis(300)).await;
        app.database.value::<i64>(open).await
    };
    let (events, open) = tokio::join!(ask(&ada, &path), watch);
    assert_eq!((events.status(), open), ("complete", 0));
}

#[tokio::test]
async fn partial_text_is_stored_while_the_model_writes() {
    let model = Model::default();
    model.delay(Duration::from_millis(700)).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let partial = "SELECT max(content) FROM messages WHERE status = 'streaming'";
    let (events, ()) = tokio::join!(ask(&ada, &path), wait_for(&app, partial, "The sources "));
    assert_eq!(events.status(), "complete");
}
