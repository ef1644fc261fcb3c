//! What the functions that process artifacts do to those of another organization: nothing.

use chrono::TimeDelta;
use harness::TestApp;
use shared::{
    config::Price,
    domain::{
        actor::RequestInfo,
        ids::{ArtifactId, OrganizationId},
        ingestion::{ArtifactStatus, FailureCode, Upload},
        usage::{Usage, UsageKind},
    },
    store::{
        artifacts, chunks, ingestion, recount, stuck_artifacts,
        token_budgets::{self, Reserved},
    },
};
use uuid::Uuid;

use super::{add_chunks, create, id, set, text};

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
    let request = RequestInfo { id: "test".to_owned(), address: None, path: String::new(), user_agent: None };
    let before = app.database.checksums().await;

    let work = async |tx: &mut _| {
        let (artifact, lease) = (upload.artifact_id, "2030-01-01T00:00:00Z".parse().expect("a time"));
        assert!(ingestion::lock(tx, &upload).await?.is_none());
        ingestion::set_extracting(tx, &upload).await?;
        ingestion::set_indexing(tx, &upload).await?;
        ingestion::lease(tx, &upload, lease).await?;
        ingestion::release(tx, &upload, lease, true).await?;
        let counted = ingestion::Chunks { total: 7, chunker: 7, language: "english" };
        ingestion::set_chunks(tx, &upload, counted, lease).await?;
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

    set(&app, &foreign, "lease_until = NULL, progressed_at = '2020-01-01'").await;
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
    let correct = async |tx: &mut _| Ok(recount::correct(tx, here).await?);
    assert!(app.state.app.db.transaction(correct).await.expect("the transaction commits"));
    let totals =
        "SELECT string_agg(artifacts || ' ' || chunks, ', ' ORDER BY artifacts) FROM organization_totals";
    assert_eq!(app.database.value::<String>(totals).await, "1 1, 7 7");
}
