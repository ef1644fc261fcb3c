//! What another tenant has is in no answer, and changes none.

use harness::TestApp;
use serde_json::json;
use shared::{
    domain::ids::OrganizationId,
    store::{self, search::Search},
};
use uuid::Uuid;

use super::{
    planted::{Artifact, embed, execute, id_of, label, plant, plant_artifact, space},
    search, texts,
};

const SECRET: &str = "The merger with Babbage is announced on Friday";

#[tokio::test]
async fn sentence_of_another_tenant_is_in_no_answer() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (here, there) = (ada.create_organization("Here").await, zoe.create_organization("There").await);
    plant(&app, &here, &["An engine of ours", "Nothing about a merger"]).await;
    let bodies = |mode: &str| {
        [SECRET, "merger Babbage", "engine"].map(|query| json!({ "query": query, "mode": mode, "limit": 50 }))
    };
    let mut before = Vec::new();
    for mode in ["hybrid", "semantic", "keyword"] {
        for body in bodies(mode) {
            before.push(search(&ada, &here, body).await.ok(200).body);
        }
    }

    // More than either list has places.
    let many = vec![SECRET; 60];
    let planted = plant(&app, &there, &many).await;
    let foreign_label = label(&app, &there, planted.id).await;
    // Another organization with another language.
    let german = Artifact { language: "german", status: "ready", texts: &[SECRET] };
    plant_artifact(&app, &there, &german).await;

    let mut before = before.into_iter();
    for mode in ["hybrid", "semantic", "keyword"] {
        for body in bodies(mode) {
            let answer = search(&ada, &here, body.clone()).await.ok(200);
            assert_eq!(
                Some(&answer.body),
                before.next().as_ref(),
                "{body}: scores, ranks and counts are the same"
            );
        }
        for filter in [
            json!({ "artifactIds": [planted.id] }),
            json!({ "labels": [foreign_label] }),
            json!({ "labels": [foreign_label], "artifactIds": [planted.id] }),
            json!({ "artifactIds": [planted.chunks[0]] }),
        ] {
            let mut body = json!({ "query": SECRET, "mode": mode });
            body.as_object_mut().expect("an object").extend(filter.as_object().expect("an object").clone());
            let foreign = search(&ada, &here, body.clone()).await.ok(200);
            for name in ["labels", "artifactIds"] {
                if let Some(ids) = body[name].as_array_mut() {
                    ids[0] = json!(Uuid::now_v7());
                }
            }
            let unknown = search(&ada, &here, body).await.ok(200);
            assert_eq!(foreign.body["data"], json!([]), "{mode}, {filter}");
            assert_eq!(foreign.body, unknown.body, "a foreign id is like an unknown one");
        }
        assert_eq!(texts(&zoe, &there, mode, SECRET).await.len(), 50, "{mode}: its owner finds it");
        search(&ada, &there, json!({ "query": SECRET, "mode": mode }))
            .await
            .refused(404, "organization-not-found");
    }
}

#[tokio::test]
async fn key_searches_in_its_own_organization_only() {
    let app = TestApp::new().await;
    let (ada, zoe) = (app.person("Ada").await, app.person("Zoe").await);
    let (here, there) = (ada.create_organization("Here").await, zoe.create_organization("There").await);
    plant(&app, &there, &[SECRET]).await;
    plant(&app, &here, &["An engine of ours"]).await;
    let key = ada.create_key(&here, &["artifacts:read"]).await;
    let client = app.client().token(&key.secret);
    let found = client.post(&format!("{here}/search"), json!({ "query": SECRET })).await.ok(200);
    assert!(!found.page.contains("Babbage"), "{found:?}");
    client
        .post(&format!("{there}/search"), json!({ "query": SECRET }))
        .await
        .refused(404, "organization-not-found");
    let narrow = ada.create_key(&here, &["organization:read"]).await;
    let client = app.client().token(&narrow.secret);
    client.post(&format!("{here}/search"), json!({ "query": "a" })).await.refused(403, "scope-needed");
}

/// Rows that no code writes: a chunk, or a vector, of one organization in an artifact of another. Each condition on the organization
/// must keep them out by itself.
#[tokio::test]
async fn row_between_two_organizations_is_found_by_neither() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    plant(&app, &here, &[SECRET]).await;
    assert_eq!(found_in_store(&app, &here).await, [1; 3]);
    for (table, to, found) in [
        ("chunk_vectors", &there, [1, 0, 0]),
        ("chunks", &there, [0; 3]),
        ("chunk_vectors", &here, [0; 3]),
        ("chunk_vectors", &there, [0; 3]),
    ] {
        execute(&app, &format!("UPDATE {table} SET organization_id = '{}'", id_of(to))).await;
        assert_eq!(found_in_store(&app, &here).await, found, "{table}");
    }
    assert_eq!(found_in_store(&app, &there).await, [0; 3]);

    // A vector of one organization, in its own artifact, of a chunk of the other.
    let own = plant(&app, &there, &["Nothing"]).await;
    let crossed = format!(
        "UPDATE chunks SET organization_id = '{here}' WHERE artifact_id <> '{own}';
         UPDATE chunk_vectors SET artifact_id = '{own}' WHERE artifact_id <> '{own}';
         DELETE FROM chunk_vectors WHERE chunk_id = '{chunk}'",
        here = id_of(&here),
        own = own.id,
        chunk = own.chunks[0]
    );
    execute(&app, &crossed).await;
    assert_eq!(found_in_store(&app, &there).await, [0; 3]);
}

/// Returns the number of chunks that the store finds by words, by exact vectors, and by codes.
async fn found_in_store(app: &TestApp, organization: &str) -> [usize; 3] {
    space(app).await;
    let vectors = embed(app, &[SECRET]).await;
    let models = &app.state.app.config.models;
    let organization = OrganizationId(id_of(organization));
    let mut found = [0; 3];
    for (place, (words, vector, exact_up_to)) in
        [(Some(SECRET), None, 0), (None, Some(&*vectors[0]), i64::MAX), (None, Some(&*vectors[0]), -1)]
            .into_iter()
            .enumerate()
    {
        let wanted = Search {
            vector,
            model: &models.embedding_model,
            dimensions: models.embedding_dimensions.cast_signed(),
            words,
            labels: None,
            artifacts: None,
            limit: 50,
            exact_up_to,
        };
        let read = async |tx: &mut _| Ok(store::search::search(tx, organization, &wanted).await?.len());
        found[place] = app.state.app.db.read(read).await.expect("a search");
    }
    found
}
