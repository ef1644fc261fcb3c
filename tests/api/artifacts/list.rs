use harness::TestApp;
use serde_json::json;

use super::{create, file, id, names, set, text};

#[tokio::test]
async fn a_bad_filter_is_refused() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    for query in [
        "status=gone",
        "labelId=1",
        "mediaType=text",
        "name=",
        "name=%00",
        "stage=indexing",
        "status=ready&status=ready",
    ] {
        ada.client.get(&format!("{team}/artifacts?{query}")).await.refused(422, "invalid-query");
    }
}

#[tokio::test]
async fn a_list_is_filtered_and_comes_in_pages() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let label = ada.client.post(&format!("{team}/labels"), json!({ "name": "Drafts" })).await.ok(201);
    for (n, (name, labels)) in
        [("Alpha", json!([])), ("alphabet%", json!([label.id()])), ("Beta_x", json!([label.id()]))]
            .into_iter()
            .enumerate()
    {
        create(&ada, &team, json!({ "name": name, "text": n.to_string(), "labels": labels })).await;
    }
    let pdf = create(&ada, &team, file(3, 1)).await;
    set(
        &app,
        &pdf,
        "status = 'failed', failure = 'encrypted-file', failure_detail = 'A password is needed.'",
    )
    .await;
    let listed = async |query: &str| {
        let page = ada.client.get(&format!("{team}/artifacts?{query}")).await.ok(200);
        names(&page).join(" ")
    };
    for (query, expected) in [
        ("", "Notes.pdf Beta_x alphabet% Alpha"),
        ("sort=createdAt&limit=1", "Alpha"),
        ("name=ALPHA", "alphabet% Alpha"),
        ("name=alphabet%25", "alphabet%"),
        ("name=%25", ""),
        ("name=_", ""),
        ("status=failed", "Notes.pdf"),
        ("status=pending&mediaType=text/plain&name=b", "Beta_x"),
        ("mediaType=application/pdf", "Notes.pdf"),
        (&format!("labelId={}", label.id()), "Beta_x alphabet%"),
        (&format!("labelId={}", id(&pdf)), ""),
    ] {
        assert_eq!(listed(query).await, expected, "{query}");
    }
    let first = ada.client.get(&format!("{team}/artifacts?limit=3")).await.ok(200);
    let next = format!("limit=3&cursor={}", first.text("/meta/nextCursor"));
    assert_eq!(listed(&next).await, "Alpha");
    let failure = ada.client.get(&pdf).await.ok(200).body["data"]["failure"].clone();
    assert_eq!(
        failure,
        json!({ "code": "encrypted-file", "detail": "A password is needed.", "retryable": false })
    );
    create(&ada, &team, text("Last")).await;
}
