use harness::{TestApp, all_rows};
use serde_json::{Value, json};
use shared::domain::conversation::MessageStatus;

use super::{MODEL, add_source, ask, balance, create, create_artifact, finish, flush, uuid};

#[tokio::test]
async fn conversation_has_a_title_and_a_model_of_the_operator() {
    let app = TestApp::with(&[("CHAT_MODELS", "first, second")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let list = format!("{team}/conversations");

    let made = ada.client.post(&list, json!({})).await.ok(201);
    assert_eq!((made.text("/data/model"), &made.body["data"]["title"]), ("first", &Value::Null));
    assert_eq!(made.text("/data/lastMessageAt"), "2026-01-02T03:04:05Z");
    let made = ada.client.post(&list, json!({ "title": " Backups ", "model": "second" })).await.ok(201);
    assert_eq!((made.text("/data/model"), made.text("/data/title")), ("second", "Backups"));
    assert_eq!(made.header("etag"), "\"1\"");
    let path = format!("{list}/{}", made.id());
    assert_eq!(ada.client.get(&path).await.ok(200).body, made.body);

    let refused = ada.client.post(&list, json!({ "model": "third" })).await;
    refused.refused(422, "no-such-model");
    assert_eq!(refused.text("/errors/0/pointer"), "/model");
    for title in [json!(""), json!(" \n"), json!("x".repeat(201)), json!("a\0b"), json!(1)] {
        ada.client.post(&list, json!({ "title": title })).await.refused(422, "invalid-body");
    }
    ada.client.post(&list, json!({ "title": "😀".repeat(200) })).await.ok(201);
    assert_eq!(ada.client.get(&list).await.ok(200).body["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn conversation_is_changed_by_its_version_and_deleted() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({ "title": "Backups" })).await;
    let at = |version: &str| ada.client.with("if-match", version);

    at("\"2\"").patch(&path, json!({ "title": "Other" })).await.refused(412, "stale");
    ada.client.patch(&path, json!({ "model": "third" })).await.refused(422, "no-such-model");
    ada.client.patch(&path, json!({ "model": null })).await.refused(422, "cannot-be-removed");
    let changed = at("\"1\"").patch(&path, json!({ "title": "Retention", "model": MODEL })).await.ok(200);
    assert_eq!((changed.text("/data/title"), changed.header("etag")), ("Retention", "\"2\""));
    let cleared = at("\"2\"").patch(&path, json!({ "title": null })).await.ok(200);
    assert_eq!((&cleared.body["data"]["title"], cleared.text("/data/model")), (&Value::Null, MODEL));

    at("\"1\"").delete(&path).await.refused(412, "stale");
    at("\"3\"").delete(&path).await.ok(204);
    for answer in [
        ada.client.get(&path).await,
        ada.client.get(&format!("{path}/messages")).await,
        ada.client.patch(&path, json!({})).await,
        ada.client.delete(&path).await,
    ] {
        answer.refused(404, "conversation-not-found");
    }
    let log = ada.client.get(&format!("{team}/audit-events?targetId={}", uuid(&path))).await.ok(200);
    let actions: Vec<_> = log.body["data"].as_array().expect("a list").iter().map(|e| &e["action"]).collect();
    assert_eq!(
        actions,
        ["conversation.deleted", "conversation.updated", "conversation.updated", "conversation.created"]
    );
    assert!(!log.body.to_string().contains("Retention"), "a title is no part of the log");
}

#[tokio::test]
async fn request_that_is_sent_twice_creates_one_conversation() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (list, client) = (format!("{team}/conversations"), ada.client.with("idempotency-key", "once"));
    let first = client.post(&list, json!({ "title": "Backups" })).await.ok(201);
    let again = client.post(&list, json!({ "title": "Backups" })).await.ok(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (first.id(), "true"));
    client.post(&list, json!({})).await.refused(422, "idempotency-key-reused");
    assert_eq!(app.database.value::<i64>("SELECT count(*) FROM conversations").await, 1);
}

#[tokio::test]
async fn nothing_remains_of_a_deleted_conversation() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({ "title": "Canary title" })).await;
    let artifact = uuid(&create_artifact(&ada, &team, "Some text").await);
    let first = ask(&app, &ada, &path).await;
    add_source(&app, &path, first, artifact, "Canary quote").await;
    assert!(finish(&app, &path, first, MessageStatus::Complete, "Canary answer").await);
    app.database.execute("UPDATE messages SET content = 'Canary question' WHERE role = 'user'").await;
    let second = ask(&app, &ada, &path).await;
    add_source(&app, &path, second, artifact, "Canary quote").await;
    assert!(!flush(&app, &path, second, "Canary so far").await);
    assert_eq!(all_rows(&app).await.matches("Canary").count(), 6);

    ada.client.delete(&path).await.ok(204);

    let rows = all_rows(&app).await;
    assert!(!rows.contains("Canary"), "{rows}");
    // The function that writes the second answer learns of it, and stores nothing more than what it used.
    assert!(flush(&app, &path, second, "Canary so far").await);
    add_source(&app, &path, second, artifact, "Canary quote").await;
    assert!(finish(&app, &path, second, MessageStatus::Cancelled, "Canary so far").await);
    let rows = all_rows(&app).await;
    assert!(!rows.contains("Canary"), "{rows}");
    assert_eq!(balance(&app).await, "60 0 0 60 0");
}

#[tokio::test]
async fn deleted_artifact_leaves_no_passage_in_answers() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, json!({})).await;
    let (gone, stays) =
        (create_artifact(&ada, &team, "Gone").await, create_artifact(&ada, &team, "Stays").await);
    for (artifact, quote) in [(&gone, "Canary"), (&stays, "Other")] {
        let answer = ask(&app, &ada, &path).await;
        add_source(&app, &path, answer, uuid(artifact), quote).await;
        finish(&app, &path, answer, MessageStatus::Complete, "See [1].").await;
    }

    ada.client.delete(&gone).await.ok(204);

    let page = ada.client.get(&format!("{path}/messages?sort=createdAt")).await.ok(200);
    let quotes = [1, 3].map(|place| &page.body["data"][place]["sources"][0]["quote"]);
    assert_eq!(quotes, [&Value::Null, &json!("Other")]);
    assert!(!all_rows(&app).await.contains("Canary"));
    let late = ask(&app, &ada, &path).await;
    add_source(&app, &path, late, uuid(&gone), "Canary").await;
    assert!(!all_rows(&app).await.contains("Canary"), "it was deleted after the search");
}
