use harness::TestApp;
use serde_json::{Value, json};

use super::{create, events, text};

#[tokio::test]
async fn a_bad_change_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, text("One")).await;
    let before = app.database.checksums().await;
    for (change, problem) in [
        (json!({ "name": null }), "cannot-be-removed"),
        (json!({ "labels": null }), "cannot-be-removed"),
        (json!({ "name": "" }), "invalid-body"),
        (json!({ "description": "" }), "invalid-body"),
        (json!({ "text": "Two" }), "invalid-body"),
        (json!({ "status": "ready" }), "invalid-body"),
        (json!({ "mediaType": "text/html" }), "invalid-body"),
        (json!({ "labels": ["01890a5d-0b3c-7def-8123-456789abcdef"] }), "unknown-label"),
    ] {
        ada.client.patch(&path, change).await.refused(422, problem);
    }
    ada.client.with("if-match", "\"2\"").patch(&path, json!({ "name": "Lost" })).await.refused(412, "stale");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn name_description_and_labels_change() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, text("One")).await;
    let label = async |name: &str| {
        let made = ada.client.post(&format!("{team}/labels"), json!({ "name": name })).await.ok(201);
        made.id().to_owned()
    };
    let (first, second) = (label("First").await, label("Second").await);
    let change = json!({ "name": "New", "description": "About it", "labels": [second, first] });
    let changed = ada.client.with("if-match", "\"1\"").patch(&path, change).await.ok(200);
    assert_eq!((changed.header("etag"), changed.text("/data/name")), ("\"2\"", "New"));
    assert_eq!(changed.body["data"]["labels"], json!([first, second]));

    let changed = ada.client.patch(&path, json!({ "description": null, "labels": [second] })).await.ok(200);
    let data = &changed.body["data"];
    assert_eq!(
        (&data["name"], &data["description"], &data["labels"]),
        (&json!("New"), &Value::Null, &json!([second]))
    );
    ada.client.delete(&format!("{team}/labels/{second}")).await.ok(204);
    assert_eq!(ada.client.get(&path).await.ok(200).body["data"]["labels"], json!([]));

    assert_eq!(events(&ada, &team, "artifact.updated").await, 2);
    let log = ada.client.get(&format!("{team}/audit-events?action=artifact.updated")).await.ok(200);
    assert_eq!(log.body["data"][1]["changes"], json!({ "name": {}, "description": {}, "labels": {} }));
}
