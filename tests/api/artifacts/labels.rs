use harness::TestApp;
use serde_json::{Value, json};

use super::{events, names};

#[tokio::test]
async fn a_bad_label_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let labels = format!("{}/labels", ada.create_organization("Engines").await);
    for name in [json!(""), json!("x".repeat(101)), json!("http://example.com"), json!(1), Value::Null] {
        ada.client.post(&labels, json!({ "name": name })).await.refused(422, "invalid-body");
    }
    let made = ada.client.post(&labels, json!({ "name": "Drafts" })).await.ok(201);
    let label = format!("{labels}/{}", made.id());
    ada.client.patch(&label, json!({ "name": null })).await.refused(422, "cannot-be-removed");
    ada.client.patch(&label, json!({ "color": "red" })).await.refused(422, "invalid-body");
}

#[tokio::test]
async fn a_name_is_given_once_in_upper_or_lower_case() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let labels = format!("{}/labels", ada.create_organization("Engines").await);
    let other = format!("{}/labels", bob.create_organization("Other").await);
    let create = async |name: &str| ada.client.post(&labels, json!({ "name": name })).await;
    let first = create("Größe").await.ok(201);
    create("gRÖSSE").await.ok(201);
    create("GRÖßE").await.refused(409, "label-exists");
    let second = create("Drafts").await.ok(201);
    let path = format!("{labels}/{}", second.id());
    ada.client.patch(&path, json!({ "name": "größe" })).await.refused(409, "label-exists");
    bob.client.post(&other, json!({ "name": "Größe" })).await.ok(201);
    bob.client.post(&other, json!({ "name": "Other" })).await.ok(201);
    // Its own name, in other case; and a name that only another organization has.
    ada.client.patch(&format!("{labels}/{}", first.id()), json!({ "name": "größe" })).await.ok(200);
    ada.client.patch(&path, json!({ "name": "other" })).await.ok(200);
}

#[tokio::test]
async fn labels_are_listed_changed_and_deleted() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let labels = format!("{team}/labels");
    let once = ada.client.with("idempotency-key", "monday");
    let first = once.post(&labels, json!({ "name": "First" })).await.ok(201);
    let again = once.post(&labels, json!({ "name": "First" })).await.ok(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (first.id(), "true"));
    ada.client.post(&labels, json!({ "name": "Second" })).await.ok(201);
    let path = format!("{labels}/{}", first.id());

    let stale = ada.client.with("if-match", "\"2\"");
    stale.patch(&path, json!({ "name": "Lost" })).await.refused(412, "stale");
    stale.delete(&path).await.refused(412, "stale");
    let changed = ada.client.with("if-match", "\"1\"").patch(&path, json!({ "name": "New" })).await.ok(200);
    assert_eq!((changed.header("etag"), changed.text("/data/name")), ("\"2\"", "New"));
    let page = ada.client.get(&format!("{labels}?limit=1")).await.ok(200);
    assert_eq!(names(&page), ["Second"]);
    let next = format!("{labels}?limit=1&cursor={}", page.text("/meta/nextCursor"));
    assert_eq!(names(&ada.client.get(&next).await.ok(200)), ["New"]);
    ada.client.delete(&path).await.ok(204);
    ada.client.get(&path).await.refused(404, "label-not-found");
    for action in ["label.created", "label.updated", "label.deleted"] {
        assert_eq!(
            events(&ada, &team, action).await,
            if action == "label.created" { 2 } else { 1 },
            "{action}"
        );
    }
}
