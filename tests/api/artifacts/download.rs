use harness::TestApp;
use serde_json::json;
use url::Url;

use super::{create, events, file, id, set, text};

fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).expect("a URL");
    let mut pairs = url.query_pairs();
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn what_is_not_in_storage_is_not_downloaded() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(10, 1)).await;
    let download = format!("{path}/download");
    for (state, form, problem) in [
        ("status = 'pending'", "file", "artifact-not-uploaded"),
        ("status = 'pending'", "text", "artifact-not-uploaded"),
        ("status = 'expired'", "file", "artifact-not-uploaded"),
        ("status = 'failed', failure = 'content-missing'", "file", "artifact-not-uploaded"),
        ("failure = 'broken-file'", "text", "text-not-extracted"),
        ("status = 'processing', stage = 'extracting', failure = NULL", "text", "text-not-extracted"),
    ] {
        set(&app, &path, state).await;
        ada.client.post(&download, json!({ "as": form })).await.refused(409, problem);
    }
    for body in [json!({}), json!({ "as": "pdf" }), json!({ "as": "file", "key": "x" })] {
        ada.client.post(&download, body).await.refused(422, "invalid-body");
    }
    assert_eq!(events(&ada, &team, "artifact.downloaded").await, 0);
}

#[tokio::test]
async fn a_file_is_saved_and_not_shown() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let path = create(&ada, &team, file(10, 1)).await;
    set(&app, &path, "status = 'ready', name = 'Größe \"1\".html', media_type = 'text/html'").await;
    let download = async |path: &str, form: &str| {
        let answer = ada.client.post(&format!("{path}/download"), json!({ "as": form })).await.ok(200);
        assert_eq!(answer.text("/data/expiresAt"), "2026-01-02T03:09:05Z");
        answer.text("/data/url").to_owned()
    };

    let url = download(&path, "file").await;
    assert!(url.contains(&format!("uploads/{}/{}/1?", id(&team), id(&path))), "{url}");
    assert_eq!(parameter(&url, "response-content-type"), "application/octet-stream");
    let disposition =
        "attachment; filename=\"Gr__e _1_.html\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22.html";
    assert_eq!(parameter(&url, "response-content-disposition"), disposition);
    assert_eq!(parameter(&url, "X-Amz-Expires"), "300");

    let url = download(&path, "text").await;
    assert!(url.contains(&format!("texts/{}/{}/1.jsonl.zst?", id(&team), id(&path))), "{url}");
    assert_eq!(parameter(&url, "response-content-type"), "application/octet-stream");

    let plain = create(&ada, &team, text("Plain")).await;
    set(&app, &plain, "status = 'processing', stage = 'extracting'").await;
    let url = download(&plain, "file").await;
    assert_eq!(parameter(&url, "response-content-type"), "text/plain; charset=utf-8");
    assert!(parameter(&url, "response-content-disposition").starts_with("attachment;"));
    assert_eq!(events(&ada, &team, "artifact.downloaded").await, 3);
}
