//! What the functions that process an artifact do to those of another organization, and to the others of its own: nothing.

use chrono::{DateTime, TimeDelta, Utc};
use harness::TestApp;
use shared::{
    config::Price,
    domain::{
        actor::RequestInfo,
        ids::{ArtifactId, OrganizationId},
        ingestion::{ArtifactStatus, FailureCode, Stage, Upload},
        usage::{Usage, UsageKind},
    },
    store::{
        artifacts, chunks, ingestion, object_deletions, recount, stuck_artifacts,
        token_budgets::{self, Reserved},
    },
};
use uuid::Uuid;

use super::{add_chunks, create, file, id, set, text};

const COUNTED: ingestion::Chunks<'_> = ingestion::Chunks { total: 7, chunker: 7, language: "english" };

fn leased_until() -> DateTime<Utc> {
    "2030-01-01T00:00:00Z".parse().expect("a time")
}

fn request() -> RequestInfo {
    RequestInfo { id: "test".to_owned(), address: None, path: String::new(), user_agent: None }
}

fn uuid(path: &str) -> Uuid {
    id(path).parse().expect("a UUID")
}

#[tokio::test]
async fn ingestion_neither_finds_nor_changes_what_another_organization_has() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    let foreign = create(&ada, &there, text("Hidden")).await;
    add_chunks(&app, &foreign, &["Hidden"]).await;
    set(&app, &foreign, "status = 'processing', stage = 'indexing', lease_until = '2030-01-01'").await;
    let (here, there) = (OrganizationId(uuid(&here)), OrganizationId(uuid(&there)));
    let upload = Upload { organization_id: here, artifact_id: ArtifactId(uuid(&foreign)), generation: 1 };
    let request = request();
    let before = app.database.checksums().await;

    let work = async |tx: &mut _| {
        let (artifact, lease) = (upload.artifact_id, leased_until());
        let later = lease + TimeDelta::hours(1);
        assert!(ingestion::lock(tx, &upload).await?.is_none());
        ingestion::set_extracting(tx, &upload).await?;
        ingestion::set_indexing(tx, &upload).await?;
        ingestion::release(tx, &upload, lease, true).await?;
        ingestion::lease(tx, &upload, later).await?;
        ingestion::set_chunks(tx, &upload, COUNTED, lease).await?;
        ingestion::count_done(tx, &upload, 1, lease).await?;
        ingestion::set_ready(tx, &upload, &request).await?;
        ingestion::fail(tx, &upload, FailureCode::IndexingFailed, None, &request).await?;
        ingestion::expire(tx, &upload).await?;
        assert_eq!(chunks::count(tx, here, artifact).await?, 0);
        assert_eq!(chunks::count_and_hash(tx, here, artifact).await?.0, 0);
        assert!(chunks::list_pending(tx, here, artifact, 1, 5).await?.is_empty());
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    assert_eq!(app.database.checksums().await, before);

    set(&app, &foreign, "status = 'failed', stage = NULL, failure = 'no-text', lease_until = NULL").await;
    let before = app.database.checksums().await;
    let upload_again = async |tx: &mut _| {
        assert!(!artifacts::begin_upload(tx, here, upload.artifact_id).await?);
        assert!(!artifacts::retry(tx, here, upload.artifact_id, Stage::Indexing).await?);
        Ok(())
    };
    app.state.app.db.transaction(upload_again).await.expect("the transaction commits");
    assert_eq!(app.database.checksums().await, before);

    set(
        &app,
        &foreign,
        "status = 'processing', stage = 'indexing', failure = NULL, progressed_at = '2020-01-01'",
    )
    .await;
    let before = app.database.checksums().await;
    let count = async |tx: &mut _| {
        let mut stuck = stuck_artifacts::list(tx, ArtifactStatus::Processing, 60.0, 5).await?;
        let mut stuck = stuck.pop().expect("the artifact");
        assert_eq!(stuck.upload.organization_id, there);
        stuck.upload.organization_id = here;
        stuck_artifacts::count_attempt(tx, &stuck).await?;
        Ok(())
    };
    app.state.app.db.transaction(count).await.expect("the transaction commits");
    assert_eq!(app.database.checksums().await, before);

    set(&app, &foreign, "status = 'pending', stage = NULL, attempts = 2, progressed_at = '2020-01-01'").await;
    let before = app.database.checksums().await;
    let renew = async |tx: &mut _| Ok(artifacts::renew_upload(tx, here, ArtifactId(uuid(&foreign))).await?);
    app.state.app.db.transaction(renew).await.expect("the transaction commits");
    assert_eq!(app.database.checksums().await, before);
}

/// Returns the row of the artifact at `path`, as text.
async fn row(app: &TestApp, path: &str) -> String {
    let row = sqlx::query_scalar("SELECT a::text FROM artifacts a WHERE id = $1").bind(uuid(path));
    row.fetch_one(app.database.pool()).await.expect("the artifact")
}

#[tokio::test]
async fn ingestion_changes_no_other_artifact_of_the_organization() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let (path, other) = (create(&ada, &team, file(10, 1)).await, create(&ada, &team, file(10, 2)).await);
    let upload = Upload {
        organization_id: OrganizationId(uuid(&team)),
        artifact_id: ArtifactId(uuid(&path)),
        generation: 1,
    };
    let request = request();
    let both = async |columns: &str| {
        set(&app, &path, columns).await;
        set(&app, &other, columns).await;
        row(&app, &other).await
    };

    let before = both("attempts = 2, progressed_at = '2020-01-01'").await;
    let renew =
        async |tx: &mut _| Ok(artifacts::renew_upload(tx, upload.organization_id, upload.artifact_id).await?);
    app.state.app.db.transaction(renew).await.expect("the transaction commits");
    assert_eq!(row(&app, &other).await, before);

    let before =
        both("status = 'processing', stage = 'indexing', attempts = 1, progressed_at = '2020-01-01'").await;
    let count = async |tx: &mut _| {
        let stuck = stuck_artifacts::list(tx, ArtifactStatus::Processing, 60.0, 5).await?;
        let stuck = stuck.iter().find(|stuck| stuck.upload == upload).expect("the artifact");
        Ok(stuck_artifacts::count_attempt(tx, stuck).await?)
    };
    app.state.app.db.transaction(count).await.expect("the transaction commits");
    assert_eq!(row(&app, &other).await, before);

    let before = both("status = 'failed', stage = NULL, failure = 'no-text'").await;
    let upload_again = async |tx: &mut _| {
        assert!(artifacts::retry(tx, upload.organization_id, upload.artifact_id, Stage::Indexing).await?);
        ingestion::fail(tx, &upload, FailureCode::NoText, None, &request).await?;
        assert!(artifacts::begin_upload(tx, upload.organization_id, upload.artifact_id).await?);
        Ok(())
    };
    app.state.app.db.transaction(upload_again).await.expect("the transaction commits");
    assert_eq!(row(&app, &other).await, before);

    let before =
        both("status = 'processing', stage = 'indexing', failure = NULL, lease_until = '2030-01-01'").await;
    let work = async |tx: &mut _| {
        let lease = leased_until();
        ingestion::release(tx, &upload, lease, true).await?;
        ingestion::lease(tx, &upload, lease + TimeDelta::hours(1)).await?;
        ingestion::set_extracting(tx, &upload).await?;
        ingestion::set_indexing(tx, &upload).await?;
        ingestion::set_chunks(tx, &upload, COUNTED, lease).await?;
        ingestion::count_done(tx, &upload, 1, lease).await?;
        ingestion::set_ready(tx, &upload, &request).await?;
        ingestion::expire(tx, &upload).await?;
        Ok(ingestion::fail(tx, &upload, FailureCode::IndexingFailed, None, &request).await?)
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    assert_eq!(row(&app, &other).await, before);
    assert!(row(&app, &path).await.contains("failed"));
}

#[tokio::test]
async fn objects_of_an_organization_are_deleted_if_it_is_deleted_not_another() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (live, deleted) = (ada.create_organization("Live").await, ada.create_organization("Deleted").await);
    for (team, last) in [(&live, 1), (&deleted, 2)] {
        create(&ada, team, file(10, last)).await;
    }
    ada.client.delete(&deleted).await.ok(200);
    let [live, deleted] = [live, deleted].map(|team| OrganizationId(uuid(&team)));
    for (organization, keys) in [(live, 0), (deleted, 2)] {
        let insert =
            async |tx: &mut _| Ok(object_deletions::insert_organization(tx, organization, false).await?);
        app.state.app.db.transaction(insert).await.expect("the transaction commits");
        let count = "SELECT count(*) FROM object_deletions";
        assert_eq!(app.database.value::<i64>(count).await, keys);
    }
}

#[tokio::test]
async fn budget_and_totals_are_those_of_one_organization() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let (here, there) = (ada.create_organization("Here").await, ada.create_organization("There").await);
    for team in [&here, &there] {
        let artifact = create(&ada, team, text("Same")).await;
        add_chunks(&app, &artifact, &["Same"]).await;
    }
    let (here, there) = (OrganizationId(uuid(&here)), OrganizationId(uuid(&there)));
    let (call, foreign) = (Uuid::now_v7(), Uuid::now_v7());
    let usage = Usage {
        kind: UsageKind::Query,
        model: "a model",
        prompt_tokens: 3,
        completion_tokens: 0,
        price: Price::default(),
        estimated: false,
    };
    let work = async |tx: &mut shared::db::Tx| {
        let later = tx.now() + TimeDelta::minutes(5);
        assert_eq!(token_budgets::reserve(tx, there, foreign, 10, 100, later).await?, Reserved::Yes);
        assert_eq!(token_budgets::reserve(tx, here, call, 20, 100, later).await?, Reserved::Yes);
        Ok(())
    };
    app.state.app.db.transaction(work).await.expect("the transaction commits");
    let budgets =
        "SELECT string_agg(used || ' ' || reserved, ', ' ORDER BY used, reserved) FROM token_budgets";
    assert_eq!(app.database.value::<String>(budgets).await, "0 10, 0 20");

    // The reservation of another organization stays, and nothing is taken off for it.
    let settle = async |tx: &mut _| Ok(token_budgets::settle(tx, here, foreign, &usage).await?);
    app.state.app.db.transaction(settle).await.expect("the transaction commits");
    assert_eq!(app.database.value::<String>(budgets).await, "0 10, 3 20");
    app.clock.advance(TimeDelta::minutes(6));
    let release = async |tx: &mut _| Ok(token_budgets::release_expired(tx, Some(here)).await?);
    let released = app.state.app.db.transaction(release).await.expect("the transaction commits");
    assert_eq!(released, 1);
    assert_eq!(app.database.value::<String>(budgets).await, "0 10, 3 0");

    app.database.execute("UPDATE organization_totals SET artifacts = 7, chunks = 7, bytes = 7").await;
    // Does not wait for another organization.
    let mut held = app.database.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT 1 FROM organization_totals WHERE organization_id = $1 FOR UPDATE")
        .bind(there.0)
        .fetch_one(&mut *held)
        .await
        .expect("the totals");
    let correct = async |tx: &mut _| Ok(recount::correct(tx, here).await?);
    assert!(app.state.app.db.transaction(correct).await.expect("the transaction commits"));
    held.rollback().await.expect("the transaction ends");
    let totals =
        "SELECT string_agg(artifacts || ' ' || chunks, ', ' ORDER BY artifacts) FROM organization_totals";
    assert_eq!(app.database.value::<String>(totals).await, "1 1, 7 7");
}
