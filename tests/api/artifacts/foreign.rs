//! What another organization has.

use harness::TestApp;
use serde_json::json;
use shared::{
    domain::{
        ids::{ArtifactId, LabelId, OrganizationId},
        ingestion::Stage,
    },
    store::{
        artifact_labels,
        artifacts::{self, Around},
        chunks, labels, object_deletions, organization_totals, organizations,
    },
};
use uuid::Uuid;

use super::{add_chunks, create, id, names, text};

fn uuid(path: &str) -> Uuid {
    id(path).parse().expect("a UUID")
}

#[tokio::test]
async fn another_organizations_artifacts_and_labels_do_not_exist() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (team, other) = (ada.create_organization("Engines").await, bob.create_organization("Other").await);
    let hidden = create(&ada, &team, text("Hidden")).await;
    add_chunks(&app, &hidden, &["Hidden"]).await;
    let label = ada.client.post(&format!("{team}/labels"), json!({ "name": "Hidden" })).await.ok(201);
    let label = format!("{team}/labels/{}", label.id());
    ada.client.patch(&hidden, json!({ "labels": [id(&label)] })).await.ok(200);
    let before = app.database.checksums().await;

    for path in [&hidden, &label] {
        bob.client.get(path).await.refused(404, "organization-not-found");
    }
    let here = hidden.replacen(&team, &other, 1);
    bob.client.get(&here).await.refused(404, "artifact-not-found");
    bob.client.patch(&here, json!({ "name": "Mine" })).await.refused(404, "artifact-not-found");
    bob.client.delete(&here).await.refused(404, "artifact-not-found");
    for action in ["upload", "retry"] {
        bob.client.post_nothing(&format!("{here}/{action}")).await.refused(404, "artifact-not-found");
    }
    bob.client
        .post(&format!("{here}/download"), json!({ "as": "file" }))
        .await
        .refused(404, "artifact-not-found");
    bob.client.get(&format!("{here}/chunks?around=0")).await.refused(404, "artifact-not-found");
    let here = label.replacen(&team, &other, 1);
    bob.client.get(&here).await.refused(404, "label-not-found");
    bob.client.patch(&here, json!({ "name": "Mine" })).await.refused(404, "label-not-found");
    bob.client.delete(&here).await.refused(404, "label-not-found");
    let labelled = json!({ "name": "Mine", "text": "Mine", "labels": [id(&label)] });
    bob.client.post(&format!("{other}/artifacts"), labelled).await.refused(422, "unknown-label");
    for list in ["artifacts".to_owned(), "labels".to_owned(), format!("artifacts?labelId={}", id(&label))] {
        assert!(names(&bob.client.get(&format!("{other}/{list}")).await.ok(200)).is_empty(), "{list}");
    }
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn statement_neither_finds_nor_changes_what_another_organization_has() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    let foreign = create(&ada, &there, text("Hidden")).await;
    add_chunks(&app, &foreign, &["Hidden"]).await;
    let label = ada.client.post(&format!("{there}/labels"), json!({ "name": "Hidden" })).await.ok(201);
    ada.client.patch(&foreign, json!({ "labels": [label.id()] })).await.ok(200);
    let own = create(&ada, &here, text("Own")).await;
    let (here, there) = (OrganizationId(uuid(&here)), OrganizationId(uuid(&there)));
    let (foreign, own, label) =
        (ArtifactId(uuid(&foreign)), ArtifactId(uuid(&own)), LabelId(uuid(label.id())));
    let before = app.database.checksums().await;

    let work = async |tx: &mut _| {
        // The order of locks asks for it.
        assert!(organizations::lock(tx, here).await?.is_some());
        assert!(artifacts::find(tx, here, foreign).await?.is_none());
        let sha256 = artifacts::find(tx, there, foreign).await?.expect("the artifact").sha256;
        assert!(artifacts::find_same_content(tx, here, &sha256).await?.is_none());
        assert!(!artifacts::update(tx, here, foreign, Some("Mine"), (true, None), None).await?);
        assert!(!artifacts::begin_upload(tx, here, foreign).await?);
        assert!(!artifacts::retry(tx, here, foreign, Stage::Indexing).await?);
        assert!(artifacts::delete(tx, here, foreign, None).await?.is_none());
        assert_eq!(chunks::delete(tx, here, foreign).await?, 0);
        assert!(artifacts::find_ordinal(tx, here, foreign, Around::Ordinal(0)).await?.is_none());
        assert!(artifacts::list_chunks(tx, here, foreign, 0, 5).await?.is_empty());
        artifact_labels::delete_all(tx, here, foreign).await?;
        assert_eq!(artifacts::find(tx, there, foreign).await?.expect("the artifact").labels.len(), 1);
        assert_eq!(artifact_labels::insert(tx, here, own, &[label]).await?, 0);
        assert!(labels::find(tx, here, label).await?.is_none());
        assert!(labels::insert(tx, here, "Hidden").await?.is_some());
        assert!(!labels::has_name(tx, here, label, "other").await?);
        assert!(labels::update(tx, here, label, Some("Mine"), None).await?.is_none());
        assert!(!labels::delete(tx, here, label, None).await?);
        let totals = organization_totals::find(tx, here).await?;
        assert_eq!((totals.artifacts, totals.bytes, totals.chunks), (1, 3, 0));
        Err::<(), _>(shared::Refusal::not_found("rolled-back", "The test ends.").into())
    };
    app.state.app.db.transaction(work).await.expect_err("rolled back");
    assert_eq!(app.database.checksums().await, before);
}

#[tokio::test]
async fn statement_changes_the_totals_and_objects_of_one_organization() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    for team in [&here, &there] {
        create(&ada, team, text("One")).await;
        ada.client.post(&format!("{team}/labels"), json!({ "name": "One" })).await.ok(201);
        ada.client.delete(team).await.ok(200);
    }
    let organization = OrganizationId(uuid(&here));
    let work = async |tx: &mut _| {
        assert!(organizations::lock_any(tx, organization).await?.is_some());
        assert!(organization_totals::add_chunks(tx, organization, 5, 5).await?);
        assert!(!organization_totals::add_chunks(tx, organization, 1, 5).await?);
        organization_totals::remove_artifact(tx, organization, 1, 2).await?;
        assert!(organization_totals::add_artifact(tx, organization, 7, 9).await?);
        assert!(!organization_totals::add_artifact(tx, organization, 1, 9).await?);
        object_deletions::insert_organization(tx, organization, false).await?;
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    let totals = "SELECT string_agg(artifacts || ' ' || bytes || ' ' || chunks, ', ' ORDER BY bytes) FROM organization_totals";
    assert_eq!(app.database.value::<String>(totals).await, "1 3 0, 1 9 3");
    let objects = super::deletions(&app).await;
    assert_eq!(objects.split(' ').count(), 2, "{objects}");
    assert!(!objects.contains(id(&there)), "{objects}");

    let unheld = async |tx: &mut _| {
        assert!(organizations::lock_any(tx, organization).await?.is_some());
        Ok(artifacts::delete_unheld(tx, organization).await?)
    };
    app.state.app.db.transaction(unheld).await.expect("the transaction commits");
    assert_eq!(app.database.value::<String>(totals).await, "0 0 0, 1 3 0");
    let left = "SELECT (SELECT count(*) FROM artifacts) || ' ' || (SELECT count(*) FROM labels)";
    assert_eq!(app.database.value::<String>(left).await, "1 1");
}
