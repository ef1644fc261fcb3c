use harness::{TestApp, all_rows};
use serde_json::json;

use super::{add_chunks, create, deletions, events, file, id, set, text, totals};

#[tokio::test]
async fn members_delete_their_own_and_admins_all() {
    let app = TestApp::new().await;
    let (ada, bob, eve) =
        (app.person("Ada").await, app.verified_person("Bob").await, app.verified_person("Eve").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    ada.add(&team, &eve, "admin").await;
    let (adas, bobs) = (create(&ada, &team, text("One")).await, create(&bob, &team, text("Two")).await);
    let key = async || app.client().token(&ada.create_key(&team, &["artifacts:write"]).await.secret);
    let (key, other) = (key().await, key().await);
    let made = key.post(&format!("{team}/artifacts"), text("Three")).await.ok(201);
    let keys = format!("{team}/artifacts/{}", made.id());

    for (client, path) in [(&bob.client, &adas), (&bob.client, &keys), (&key, &adas), (&other, &keys)] {
        client.delete(path).await.refused(403, "not-own-artifact");
    }
    bob.client.with("if-match", "\"2\"").delete(&bobs).await.refused(412, "stale");
    assert_eq!(totals(&app).await, "3 11 0");
    for (client, path) in [(&bob.client, &bobs), (&key, &keys), (&eve.client, &adas)] {
        client.delete(path).await.ok(204);
        client.delete(path).await.refused(404, "artifact-not-found");
    }
    assert_eq!(totals(&app).await, "0 0 0");
    assert_eq!(events(&ada, &team, "artifact.deleted").await, 3);
}

#[tokio::test]
async fn nothing_remains_of_a_deleted_artifact_but_its_id() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let label = ada.client.post(&format!("{team}/labels"), json!({ "name": "Drafts" })).await.ok(201);
    let mut body = file(10, 1);
    body["name"] = json!("Canary.pdf");
    body["description"] = json!("Canary description");
    body["labels"] = json!([label.id()]);
    let path = create(&ada, &team, body.clone()).await;
    let kept = create(&ada, &team, text("Kept")).await;
    add_chunks(&app, &path, &["Canary one", "Canary two"]).await;
    add_chunks(&app, &kept, &["Kept"]).await;
    set(&app, &path, "generation = 2, language = 'english', failure_detail = 'Canary'").await;
    assert_eq!(totals(&app).await, "2 14 3");
    assert!(all_rows(&app).await.contains("Canary"));

    ada.client.delete(&path).await.ok(204);

    let rows = all_rows(&app).await;
    assert!(!rows.contains("Canary") && !rows.contains(&super::SHA256[..62]), "{rows}");
    assert_eq!(totals(&app).await, "1 4 1");
    let (org, artifact) = (id(&team), id(&path));
    let expected: Vec<_> = [1, 2]
        .iter()
        .map(|n| format!("texts/{org}/{artifact}/{n}.jsonl.zst"))
        .chain([1, 2].iter().map(|n| format!("uploads/{org}/{artifact}/{n}")))
        .collect();
    assert_eq!(deletions(&app).await, expected.join(" "));
    for (method, action) in [("upload", 404), ("retry", 404)] {
        ada.client.post_nothing(&format!("{path}/{method}")).await.refused(action, "artifact-not-found");
    }
    ada.client.get(&path).await.refused(404, "artifact-not-found");
    ada.client.patch(&path, json!({ "name": "Back" })).await.refused(404, "artifact-not-found");
    let listed = ada.client.get(&format!("{team}/artifacts")).await.ok(200);
    assert_eq!(super::names(&listed), ["Notes.txt"]);
    create(&ada, &team, body).await;
}
