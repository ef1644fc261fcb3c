use harness::TestApp;
use serde_json::json;

use super::{create, deletions, events, file, id, set};

#[tokio::test]
async fn a_new_link_is_for_artifacts_without_a_file() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(12, 1)).await;
    let upload = format!("{path}/upload");
    let key = |generation: u8| format!("uploads/{}/{}/{generation}?", id(&team), id(&path));
    let objects = |generation: u8| {
        let name = format!("{}/{}/{generation}", id(&team), id(&path));
        format!("texts/{name}.jsonl.zst uploads/{name}")
    };

    set(&app, &path, "attempts = 2, progressed_at = '2026-01-02T02:04:05Z'").await;
    let pending = ada.client.post_nothing(&upload).await.ok(200);
    // It does not expire before its link.
    let waits = "SELECT attempts = 0 AND progressed_at = '2026-01-02T03:04:05Z' FROM artifacts";
    assert!(app.database.value::<bool>(waits).await);
    assert!(pending.text("/data/url").contains(&key(1)), "{pending:?}");
    assert_eq!(pending.body["data"]["headers"]["content-type"], "application/pdf");
    for (status, problem) in
        [("status = 'processing', stage = 'extracting'", 409), ("status = 'ready', stage = NULL", 409)]
    {
        set(&app, &path, status).await;
        ada.client.post_nothing(&upload).await.refused(problem, "artifact-not-pending");
    }
    assert_eq!(deletions(&app).await, "");
    set(&app, &path, "status = 'expired', attempts = 2").await;
    let expired = ada.client.post_nothing(&upload).await.ok(200);
    assert!(expired.text("/data/url").contains(&key(2)), "{expired:?}");
    set(&app, &path, "status = 'failed', failure = 'content-missing', failure_detail = 'x'").await;
    assert_eq!(deletions(&app).await, objects(1));
    app.database.execute("DELETE FROM object_deletions").await;
    let failed = ada.client.post_nothing(&upload).await.ok(200);
    assert!(failed.text("/data/url").contains(&key(3)), "{failed:?}");

    let shown = ada.client.get(&path).await.ok(200);
    assert_eq!((shown.text("/data/status"), shown.header("etag")), ("pending", "\"3\""));
    // Not those of the first upload again: each upload would list more.
    assert_eq!(deletions(&app).await, objects(2));
    assert_eq!(events(&ada, &team, "artifact.retried").await, 2);
}

#[tokio::test]
async fn content_that_was_created_again_is_not_uploaded_twice() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (team, other) = (ada.create_organization("Engines").await, bob.create_organization("Other").await);
    let path = create(&ada, &team, file(12, 1)).await;
    set(&app, &path, "status = 'expired'").await;
    create(&bob, &other, file(12, 1)).await;
    let again = create(&ada, &team, file(12, 1)).await;

    let refused = ada.client.post_nothing(&format!("{path}/upload")).await;
    refused.refused(409, "same-content-exists");
    assert_eq!(refused.text("/artifactId"), id(&again));
    set(&app, &path, "duplicate_allowed = true").await;
    ada.client.post_nothing(&format!("{path}/upload")).await.ok(200);
    ada.client.post(&format!("{path}/upload"), json!({})).await.ok(200);
}
