//! What happens to artifacts when a user is erased.

use harness::{TestApp, all_rows};
use serde_json::{Value, json};

use super::{add_chunks, create, deletions, id, text, totals};

#[tokio::test]
async fn artifacts_of_an_erased_users_own_organizations_are_removed_with_their_objects() {
    let app = TestApp::new().await;
    let (ada, bob, grace) = (
        app.verified_person("Ada").await,
        app.verified_person("Bob").await,
        app.administrator("Grace").await,
    );
    let (alone, shared) = (ada.create_organization("Alone").await, bob.create_organization("Shared").await);
    bob.add(&shared, &ada, "member").await;
    let gone = create(&ada, &alone, json!({ "name": "Canary.txt", "text": "Canary" })).await;
    add_chunks(&app, &gone, &["Canary text"]).await;
    ada.client.post(&format!("{alone}/labels"), json!({ "name": "Canary label" })).await.ok(201);
    let stays = create(&ada, &shared, json!({ "name": "Shared.txt", "text": "Shared" })).await;

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let rows = all_rows(&app).await;
    assert!(!rows.contains("Canary"), "{rows}");
    let objects = deletions(&app).await;
    assert_eq!(objects.split(' ').count(), 2, "{objects}");
    let key = format!("uploads/{}/{}/1", id(&alone), id(&gone));
    assert!(
        objects.contains(&key)
            && objects.contains(&format!("texts/{}/{}/1.jsonl.zst", id(&alone), id(&gone)))
    );
    let shown = bob.client.get(&stays).await.ok(200);
    assert_eq!((shown.text("/data/name"), &shown.body["data"]["createdBy"]), ("Shared.txt", &Value::Null));
    assert_eq!(totals(&app).await, "1 6 0");
}

#[tokio::test]
async fn artifacts_of_an_organization_that_a_hold_keeps_go_except_those_of_the_held_user() {
    let app = TestApp::new().await;
    let (ada, cy, grace) =
        (app.verified_person("Ada").await, app.verified_person("Cy").await, app.administrator("Grace").await);
    let team = ada.create_organization("Alone").await;
    ada.add(&team, &cy, "member").await;
    let held = create(&cy, &team, text("Held")).await;
    add_chunks(&app, &held, &["Held text"]).await;
    let gone = create(&ada, &team, json!({ "name": "Canary.txt", "text": "Canary" })).await;
    add_chunks(&app, &gone, &["Canary text"]).await;
    ada.client.post(&format!("{team}/labels"), json!({ "name": "Canary label" })).await.ok(201);
    ada.client.delete(&format!("{team}/members/{}", cy.id)).await.ok(204);
    let because = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", cy.id), because).await.ok(200);

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let rows = all_rows(&app).await;
    assert!(rows.contains("Held text") && !rows.contains("Canary"), "{rows}");
    let objects = deletions(&app).await;
    assert!(objects.contains(id(&gone)) && !objects.contains(id(&held)), "{objects}");
    assert_eq!(totals(&app).await, "1 4 1");
}

#[tokio::test]
async fn the_export_of_a_user_names_the_artifacts() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    create(&ada, &team, json!({ "name": "Adas.txt", "description": "First", "text": "Secret text" })).await;
    create(&bob, &team, json!({ "name": "Bobs.txt", "text": "Other" })).await;
    let export = ada.client.get("/v1/auth/me/export").await.ok(200).body.to_string();
    assert!(
        export.contains("Adas.txt") && export.contains("First") && export.contains("text/plain"),
        "{export}"
    );
    assert!(!export.contains("Bobs.txt") && !export.contains("sha256"), "{export}");
}
