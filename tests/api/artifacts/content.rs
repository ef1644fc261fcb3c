//! What is in storage.

use harness::{TestApp, service};
use serde_json::json;
use shared::aws::s3::Bucket;

use super::{create, id, text};

#[tokio::test]
async fn the_text_is_in_storage_when_the_artifact_exists() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, text("Größe")).await;
    let bucket = Bucket::new(&service("ARTIFACT_BUCKET"), "");
    let stored = bucket.get(&format!("uploads/{}/{}/1", id(&team), id(&path))).await.expect("S3");
    assert_eq!(stored.as_deref(), Some("Größe".as_bytes()));
}

#[tokio::test]
async fn a_refused_text_leaves_no_object() {
    let app = TestApp::with(&[("DEFAULT_PLAN", "free")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    create(&ada, &team, text("One")).await;
    app.database.execute("UPDATE organization_totals SET bytes = 1073741824").await;
    ada.client.post(&format!("{team}/artifacts"), text("One")).await.refused(409, "same-content-exists");
    ada.client.post(&format!("{team}/artifacts"), text("Two")).await.refused(402, "plan-limit-reached");
    let mut labelled = text("Three");
    labelled["labels"] = json!(["01890a5d-0b3c-7def-8123-456789abcdef"]);
    ada.client.post(&format!("{team}/artifacts"), labelled).await.refused(422, "unknown-label");
    let bucket = Bucket::new(&service("ARTIFACT_BUCKET"), "");
    let objects = bucket.list(&format!("uploads/{}/", id(&team)), "").await.expect("S3");
    assert_eq!(objects.len(), 1, "{objects:?}");
}

#[tokio::test]
async fn without_storage_no_text_is_created() {
    let app = TestApp::with(&[("ARTIFACT_BUCKET", "arches-there-is-no-such-bucket")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    ada.client.post(&format!("{team}/artifacts"), text("One")).await.refused(503, "unavailable");
    let listed = ada.client.get(&format!("{team}/artifacts")).await.ok(200);
    assert_eq!(listed.body["data"], json!([]));
    // Signing asks nobody.
    ada.client.post(&format!("{team}/artifacts"), super::file(1, 0)).await.ok(201);
}
