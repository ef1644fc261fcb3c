//! What a model is given from artifacts.

use harness::model::Model;
use serde_json::json;

use super::{QUESTION, app_with, ask_with, create, message, settled};
use crate::search::planted::plant;

const TEXT: &str = "Backups are kept for 35 days.";

#[tokio::test]
async fn sources_can_be_left_out() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &[TEXT]).await;
    let path = create(&ada, &team).await;
    let events = ask_with(&ada, &path, json!({ "content": QUESTION, "sources": { "mode": "none" } })).await;
    assert_eq!((events.one("sources"), &events.one("done")["retrieval"]), (&json!([]), &json!("none")));
    assert_eq!(events.text(), "The sources do not say this.");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM usage_days WHERE kind = 'query'").await, 0);
}

#[tokio::test]
async fn sources_can_be_limited_to_artifacts() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &[TEXT]).await;
    let other = plant(&app, &team, &["Backups of engines are kept for 7 days."]).await;
    let path = create(&ada, &team).await;
    let body = json!({ "content": QUESTION, "sources": { "artifactIds": [other.id] } });
    let events = ask_with(&ada, &path, body).await;
    assert_eq!(events.text(), "Backups of engines are kept for 7 days [1].");
    assert_eq!(events.one("sources").as_array().expect("a list").len(), 1);
}

#[tokio::test]
async fn sources_are_found_by_words_without_the_model_of_meanings() {
    let (model, embeddings) = (Model::default(), Model::default());
    let app = app_with(&model, &[("EMBEDDING_MODEL", embeddings.name())]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &[TEXT]).await;
    let path = create(&ada, &team).await;
    embeddings.fail("500", None).await;
    let events = ask_with(&ada, &path, json!({ "content": QUESTION })).await;
    assert_eq!(events.one("done")["retrieval"], "keyword-only");
    assert_eq!(events.text(), "Backups are kept for 35 days [1].");
    assert_eq!(message(&ada, &path, events.id()).await["retrieval"], "keyword-only");
    settled(&app).await;
}

#[tokio::test]
async fn vector_of_a_question_is_made_once() {
    let (model, embeddings) = (Model::default(), Model::default());
    let app = app_with(&model, &[("EMBEDDING_MODEL", embeddings.name())]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    plant(&app, &team, &[TEXT]).await;
    let path = create(&ada, &team).await;
    let before = embeddings.seen().await.requests;
    for _ in 0..2 {
        let events = ask_with(&ada, &path, json!({ "content": QUESTION })).await;
        assert_eq!(events.one("done")["retrieval"], "hybrid");
    }
    assert_eq!(embeddings.seen().await.requests, before + 1);
    settled(&app).await;
}

#[tokio::test]
async fn question_of_one_organization_finds_nothing_of_another() {
    let model = Model::default();
    let app = app_with(&model, &[]).await;
    let ada = app.person("Ada").await;
    let eve = app.person("Eve").await;
    let (team, other) = (ada.create_organization("Engines").await, eve.create_organization("Other").await);
    let secret = plant(&app, &other, &["Backups of Eve are kept under the secret name rosebud."]).await;
    plant(&app, &team, &[TEXT]).await;
    let path = create(&ada, &team).await;
    for sources in [json!({}), json!({ "artifactIds": [secret.id] })] {
        let body =
            json!({ "content": "Under which secret name are backups of Eve kept?", "sources": sources });
        let events = ask_with(&ada, &path, body).await;
        assert!(!format!("{events:?}").contains("rosebud"), "{events:?}");
    }
    let stored = "SELECT count(*) FROM message_sources WHERE quote LIKE '%rosebud%'";
    assert_eq!(app.database.value::<i64>(stored).await, 0);
}
