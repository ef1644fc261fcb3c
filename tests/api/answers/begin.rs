//! What is refused, and the same request twice.

use axum::http::StatusCode;
use futures_util::future::join_all;
use harness::model::Model;
use serde_json::json;

use super::{Events, QUESTION, app_with, ask, create, message, settled};

#[tokio::test]
async fn request_without_access_is_refused() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = format!("{}/answers", create(&ada, &team).await);
    let body = json!({ "content": QUESTION });
    app.client().post(&path, body.clone()).await.refused(401, "unauthenticated");
    app.person("Zoe").await.client.post(&path, body.clone()).await.refused(404, "organization-not-found");
    let bob = app.verified_person("Bob").await;
    ada.add(&team, &bob, "admin").await;
    bob.client.post(&path, body.clone()).await.refused(404, "conversation-not-found");
    let key = ada.create_key(&team, &["artifacts:read"]).await;
    app.client().token(&key.secret).post(&path, body.clone()).await.refused(403, "scope-needed");
    let missing = format!("{team}/conversations/01890000-0000-7000-8000-000000000000/answers");
    ada.client.post(&missing, body).await.refused(404, "conversation-not-found");
    assert_eq!((model.seen().await.requests, settled(&app).await), (0, 0));
}

#[tokio::test]
async fn malformed_question_is_refused() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = format!("{}/answers", create(&ada, &ada.create_organization("Engines").await).await);
    for body in [
        json!({}),
        json!({ "content": " " }),
        json!({ "content": "x".repeat(32_001) }),
        json!({ "content": QUESTION, "maxTokens": 0 }),
        json!({ "content": QUESTION, "sources": { "mode": "all" } }),
        json!({ "content": QUESTION, "role": "system" }),
    ] {
        ada.client.with("accept", "text/event-stream").post(&path, body).await.refused(422, "invalid-body");
    }
    ada.client
        .post(&path, json!({ "content": "x".repeat(32_000), "sources": { "mode": "none" } }))
        .await
        .ok(201);
}

#[tokio::test]
async fn model_that_is_no_longer_available_is_refused() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    sqlx::query("UPDATE conversations SET model = 'gone'")
        .execute(app.database.pool())
        .await
        .expect("updated");
    let body = json!({ "content": QUESTION });
    ada.client.post(&format!("{path}/answers"), body).await.refused(422, "no-such-model");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM messages").await, 0);
    settled(&app).await;
}

#[tokio::test]
async fn one_of_eight_answers_at_once_begins_in_a_conversation() {
    let model = Model::default();
    model.delay(std::time::Duration::from_millis(100)).await;
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = format!("{}/answers", create(&ada, &ada.create_organization("Engines").await).await);
    let body = json!({ "content": QUESTION, "sources": { "mode": "none" } });
    let answers = join_all((0..8).map(|_| ada.client.post(&path, body.clone()))).await;
    let (good, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == StatusCode::CREATED);
    assert_eq!(good.len(), 1);
    for answer in refused {
        answer.refused(409, "answer-in-progress");
    }
    settled(&app).await;
}

#[tokio::test]
async fn repeated_request_gets_the_same_answer() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = format!("{}/answers", create(&ada, &team).await);
    let client = ada.client.with("idempotency-key", "one");
    let body = json!({ "content": QUESTION, "sources": { "mode": "none" } });
    let stream = client.with("accept", "text/event-stream");
    let first = Events::read(&stream.post(&path, body.clone()).await.ok(200).page);
    let used = settled(&app).await;

    let again = stream.post(&path, body.clone()).await.ok(200);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let again = Events::read(&again.page);
    assert_eq!(again.names(), ["message", "sources", "delta", "done"]);
    assert_eq!((again.one("message"), again.text()), (first.one("message"), first.text()));
    assert_eq!(again.one("done")["usage"], first.one("done")["usage"]);
    let whole = client.post(&path, body.clone()).await.ok(201);
    assert_eq!((whole.id(), whole.text("/data/content")), (first.id(), first.text().as_str()));
    assert_eq!(whole.header("idempotency-replayed"), "true");
    assert_eq!((settled(&app).await, model.seen().await.requests), (used, 1));

    let other = json!({ "content": "Another question" });
    client.post(&path, other.clone()).await.refused(422, "idempotency-key-reused");
    // In another conversation it is another key.
    let elsewhere = format!("{}/answers", create(&ada, &team).await);
    client.post(&elsewhere, other).await.ok(201);
}

#[tokio::test]
async fn failed_answer_is_repeated_too() {
    let model = Model::new("stub-cut");
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    let client = ada.client.with("idempotency-key", "one").with("accept", "text/event-stream");
    let body = json!({ "content": QUESTION, "sources": { "mode": "none" } });
    let mut problems = Vec::new();
    for _ in 0..2 {
        let events = Events::read(&client.post(&format!("{path}/answers"), body.clone()).await.ok(200).page);
        assert_eq!(events.names(), ["message", "sources", "delta", "error"]);
        problems.push((events.id().to_owned(), events.problem().to_owned()));
    }
    assert_eq!(problems[0], problems[1]);
    assert_eq!(message(&ada, &path, &problems[0].0).await["failure"], problems[0].1);
}

#[tokio::test]
async fn answers_of_one_person_are_limited() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let path = create(&ada, &ada.create_organization("Engines").await).await;
    for _ in 0..20 {
        ask(&ada, &path).await;
    }
    let body = json!({ "content": QUESTION });
    let refused = ada.client.post(&format!("{path}/answers"), body).await;
    refused.refused(429, "too-many-answers");
    assert_eq!(refused.header("ratelimit-limit"), "20");
}
