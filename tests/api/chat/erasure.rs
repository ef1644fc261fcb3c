//! What happens to conversations when a user is erased, and when an organization is purged.

use harness::{TestApp, all_rows};
use serde_json::json;
use shared::domain::conversation::MessageStatus;

use super::{add_source, ask, create, create_artifact, finish, uuid};

#[tokio::test]
async fn conversations_of_an_erased_user_are_removed_everywhere_and_no_others() {
    let app = TestApp::new().await;
    let (ada, bob, grace) = (
        app.verified_person("Ada").await,
        app.verified_person("Bob").await,
        app.administrator("Grace").await,
    );
    let shared = bob.create_organization("Shared").await;
    bob.add(&shared, &ada, "member").await;
    let artifact = uuid(&create_artifact(&bob, &shared, "Text").await);
    let gone = create(&ada, &shared, json!({ "title": "Canary title" })).await;
    let answer = ask(&app, &ada, &gone).await;
    add_source(&app, &gone, answer, artifact, "Canary quote").await;
    finish(&app, &gone, answer, MessageStatus::Complete, "Canary answer").await;
    // One that a model still writes.
    ask(&app, &ada, &gone).await;
    // Of an organization that she has left.
    let left = bob.create_organization("Left").await;
    bob.add(&left, &ada, "member").await;
    create(&ada, &left, json!({ "title": "Canary left" })).await;
    bob.client.delete(&format!("{left}/members/{}", ada.id)).await.ok(204);
    let stays = create(&bob, &shared, json!({ "title": "Stays" })).await;
    let answer = ask(&app, &bob, &stays).await;
    add_source(&app, &stays, answer, artifact, "Quote that stays").await;

    let export = ada.client.get("/v1/auth/me/export").await.ok(200).body.to_string();
    for text in ["Canary title", "Canary quote", "Canary answer", "Canary left", "How long are backups kept?"]
    {
        assert!(export.contains(text), "{text}");
    }
    assert!(!export.contains("Stays") && !export.contains("Quote that stays"));
    assert!(!bob.client.get("/v1/auth/me/export").await.ok(200).body.to_string().contains("Canary"));

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let rows = all_rows(&app).await;
    assert!(!rows.contains("Canary") && rows.contains("Quote that stays"), "{rows}");
    assert_eq!(rows.matches("How long").count(), 1, "Bob's question");
    bob.client.get(&stays).await.ok(200);
}

#[tokio::test]
async fn organization_that_a_hold_keeps_loses_all_conversations_but_those_of_the_held_user() {
    let app = TestApp::new().await;
    let (ada, cy, eve) =
        (app.verified_person("Ada").await, app.verified_person("Cy").await, app.verified_person("Eve").await);
    let grace = app.administrator("Grace").await;
    let elsewhere = eve.create_organization("Elsewhere").await;
    create(&eve, &elsewhere, json!({ "title": "Of another organization" })).await;
    let team = ada.create_organization("Engines").await;
    for (person, title) in [(&cy, "Held"), (&eve, "Canary of Eve")] {
        ada.add(&team, person, "member").await;
        create(person, &team, json!({ "title": title })).await;
        ada.client.delete(&format!("{team}/members/{}", person.id)).await.ok(204);
    }
    let key = app.client().token(&ada.create_key(&team, &["chat:write"]).await.secret);
    key.post(&format!("{team}/conversations"), json!({ "title": "Canary of a key" })).await.ok(201);
    create(&ada, &team, json!({ "title": "Canary of Ada" })).await;
    let hold = json!({ "reason": "case 12/34" });
    grace.client.post(&format!("/v1/users/{}/legal-hold", cy.id), hold).await.ok(200);

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let rows = all_rows(&app).await;
    assert!(rows.contains("Held") && !rows.contains("Canary"), "{rows}");
    assert!(rows.contains("Of another organization"), "{rows}");
}

#[tokio::test]
async fn purged_organization_loses_its_conversations() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.verified_person("Ada").await, app.administrator("Grace").await);
    let team = ada.create_organization("Alone").await;
    let path = create(&ada, &team, json!({ "title": "Canary" })).await;
    let answer = ask(&app, &ada, &path).await;
    let artifact = uuid(&create_artifact(&ada, &team, "Text").await);
    add_source(&app, &path, answer, artifact, "Canary").await;

    grace.client.post_nothing(&format!("/v1/users/{}/erase", ada.id)).await.ok(200);

    let left = "SELECT (SELECT count(*) FROM conversations) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM message_sources)";
    assert_eq!(app.database.value::<i64>(left).await, 0);
}
