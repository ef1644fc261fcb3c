//! The sweeper of `retention` brings what is stuck to a final state.

use std::sync::Arc;

use retention::{Request, State, Swept, run, sweep};
use shared::{
    config::Config,
    domain::{
        clock::SystemClock,
        ingestion::{IndexKind, Upload, file_event},
    },
    lambda::job::{Deadline, Job},
};
use tokio::time::Duration;

use super::setup::{Setup, deliver, extracted, message};

pub fn state(setup: &Setup) -> State {
    let mut settings = setup.environment();
    settings.insert("DATABASE_URL".to_owned(), setup.database.retention_url());
    let config = Config::from_lookup(|name| settings.get(name).cloned(), retention::REQUIRED);
    State::new(&config.expect("a valid configuration"), Arc::new(SystemClock))
}

pub async fn swept(setup: &Setup) -> Swept {
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    let swept = sweep(&state(setup), &job).await.expect("a result");
    assert!(swept.complete);
    swept
}

/// Lets an artifact have made its last progress so long ago.
async fn age(setup: &Setup, upload: &Upload, seconds: u32) {
    setup
        .execute(&format!(
            "UPDATE artifacts SET progressed_at = now() - interval '{seconds} seconds' WHERE id = '{}'",
            upload.artifact_id
        ))
        .await;
}

/// Takes the only message out of a queue.
pub async fn take(setup: &Setup, queue: &'static str) -> String {
    let batch = setup.ingestion.receive(queue, Duration::from_mins(1)).await.expect("a message");
    let records = batch.event["Records"].as_array().expect("records");
    assert_eq!(records.len(), 1);
    let body = records[0]["body"].as_str().expect("a body").to_owned();
    setup
        .ingestion
        .settle(&batch, Some(&serde_json::json!({ "batchItemFailures": [] })), Duration::ZERO)
        .await;
    body
}

async fn nothing_is_sent(setup: &Setup) {
    assert_eq!((setup.ingestion.messages("extract").await, setup.ingestion.messages("index").await), (0, 0));
}

#[tokio::test]
async fn processing_artifact_is_sent_again_twice_and_then_fails() {
    for (stage, queue) in [("extracting", "extract"), ("indexing", "index")] {
        let setup = Setup::new().await;
        let upload = setup.artifact(Some(stage)).await;
        for (before, due) in [(355, 361), (715, 721)] {
            age(&setup, &upload, before).await;
            assert_eq!(swept(&setup).await, Swept { complete: true, ..Swept::default() });
            nothing_is_sent(&setup).await;
            age(&setup, &upload, due).await;
            assert_eq!(swept(&setup).await, Swept { sent_again: 1, complete: true, ..Swept::default() });
            let expected = match stage {
                "extracting" => file_event(setup.ingestion.bucket(), &upload),
                _ => message(&upload, IndexKind::Continue),
            };
            assert_eq!(take(&setup, queue).await, expected);
            assert_eq!(setup.state(&upload).await, format!("processing/{stage}"));
        }
        age(&setup, &upload, 1_075).await;
        assert_eq!(swept(&setup).await, Swept { complete: true, ..Swept::default() });
        age(&setup, &upload, 1_081).await;
        assert_eq!(swept(&setup).await, Swept { failed: 1, complete: true, ..Swept::default() });
        assert_eq!(setup.state(&upload).await, "failed/processing-stopped");
        assert_eq!(
            setup.text("SELECT action || ' ' || request_id FROM audit_events").await,
            "artifact.failed the-run"
        );
        nothing_is_sent(&setup).await;
        setup.check().await;
    }
}

#[tokio::test]
async fn artifact_without_a_file_is_asked_for_and_expires_after_an_hour() {
    let setup = Setup::new().await;
    let upload = setup.artifact(None).await;
    for (before, due) in [(1_195, 1_201), (2_395, 2_401)] {
        age(&setup, &upload, before).await;
        assert_eq!(swept(&setup).await.sent_again, 0);
        age(&setup, &upload, due).await;
        assert_eq!(swept(&setup).await.sent_again, 1);
        assert_eq!(take(&setup, "extract").await, file_event(setup.ingestion.bucket(), &upload));
    }
    age(&setup, &upload, 3_601).await;
    assert_eq!(swept(&setup).await, Swept { expired: 1, complete: true, ..Swept::default() });
    assert_eq!(setup.state(&upload).await, "expired");
}

#[tokio::test]
async fn what_cannot_be_sent_ends_all_the_same() {
    let gone = [
        ("EXTRACT_QUEUE_URL", "http://127.0.0.1/123456789012/no-such-queue"),
        ("INDEX_QUEUE_URL", "http://127.0.0.1/123456789012/no-such-queue"),
    ];
    let setup = Setup::with(harness::model::Model::default(), &gone).await;
    let (extracting, indexing) =
        (setup.artifact(Some("extracting")).await, setup.artifact(Some("indexing")).await);
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    for upload in [&extracting, &indexing] {
        age(&setup, upload, 1_500).await;
    }
    let error = sweep(&state(&setup), &job).await.expect_err("the queues are unavailable");
    assert!(error.to_string().contains("2 artifacts or objects were not handled"), "{error:#}");
    for upload in [&extracting, &indexing] {
        age(&setup, upload, 1_561).await;
    }
    assert_eq!(swept(&setup).await.failed, 2);
}

#[tokio::test]
async fn artifact_on_which_a_delivery_works_is_left_alone() {
    let setup = Setup::new().await;
    let upload = setup.artifact(Some("indexing")).await;
    age(&setup, &upload, 4_000).await;
    setup.execute("UPDATE artifacts SET lease_until = now() + interval '1 minute'").await;
    assert_eq!(swept(&setup).await, Swept { complete: true, ..Swept::default() });
    setup.pass_leases().await;
    assert_eq!(swept(&setup).await.failed, 1);
}

#[tokio::test]
async fn stuck_indexing_continues_after_the_sweep() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(3).await);
    setup.execute("UPDATE artifacts SET stage = 'indexing', lease_until = now() - interval '1 minute'").await;
    age(&setup, &upload, 400).await;
    assert_eq!(swept(&setup).await.sent_again, 1);
    let body = take(&setup, "index").await;
    assert!(deliver(&function, &body).await, "{:#?}", function.log());
    assert_eq!(setup.state(&upload).await, "ready");
    setup.check().await;
}

#[tokio::test]
async fn artifact_that_waits_for_the_model_fails_with_that_reason() {
    let setup = Setup::new().await;
    setup.model.fail("500", None).await;
    let (function, upload) = (setup.index().await, setup.extracted(3).await);
    assert!(!deliver(&function, &extracted(&upload)).await);
    age(&setup, &upload, 1_600).await;
    assert_eq!(swept(&setup).await.failed, 1);
    assert_eq!(setup.state(&upload).await, "failed/model-unavailable");
}

#[tokio::test]
async fn every_version_of_a_due_object_is_deleted_and_no_other() {
    let setup = Setup::new().await;
    let (gone, stays) = (setup.artifact(None).await, setup.artifact(None).await);
    // Its key begins with the key of the other upload.
    let later = Upload { generation: 10, ..gone };
    for upload in [gone, later, stays] {
        for _ in 0..2 {
            setup.put(&upload.file_key(), b"content".to_vec()).await;
        }
        setup.put(&upload.text_key(), b"text".to_vec()).await;
    }
    let delete = setup.ingestion.s3().delete_object().bucket(setup.ingestion.bucket()).key(gone.file_key());
    delete.send().await.expect("a delete marker");
    setup
        .execute(&format!(
            "INSERT INTO object_deletions (key, due_at)
             VALUES ('{}', now()), ('{}', now()), ('{}', now() + interval '1 minute'), ('uploads/none', now())",
            gone.file_key(),
            gone.text_key(),
            stays.file_key()
        ))
        .await;
    assert_eq!(swept(&setup).await, Swept { objects_deleted: 3, complete: true, ..Swept::default() });
    let mut left = setup.object_versions().await;
    left.sort_unstable();
    let mut expected: Vec<_> = [&later, &stays]
        .iter()
        .flat_map(|upload| [upload.file_key(), upload.file_key(), upload.text_key()])
        .collect();
    expected.sort_unstable();
    assert_eq!(left, expected);
    assert_eq!(setup.text("SELECT string_agg(key, ' ') FROM object_deletions").await, stays.file_key());
}

#[tokio::test]
async fn object_that_is_asked_to_go_once_more_stays_due() {
    let setup = Setup::new().await;
    let app_db = {
        let mut settings = setup.environment();
        settings.insert("DATABASE_URL".to_owned(), setup.database.retention_url());
        let config = Config::from_lookup(|name| settings.get(name).cloned(), &[]).expect("a configuration");
        let clock: Arc<dyn shared::domain::clock::Clock> = Arc::new(SystemClock);
        let secrets = shared::aws::secrets::Secrets::new(config.keys.max_age, Arc::clone(&clock));
        shared::db::Db::new(config.database, secrets, None, clock)
    };
    let keys = ["uploads/a".to_owned()];
    let ask = async |tx: &mut shared::db::Tx| {
        let now = tx.now();
        anyhow::Ok(shared::store::object_deletions::insert(tx, &keys, now).await?)
    };
    app_db.transaction_as(ask).await.expect("inserted");
    let list = async |tx: &mut shared::db::Tx| anyhow::Ok(shared::store::due_objects::list(tx, 10).await?);
    let due = app_db.transaction_as(list).await.expect("a list");
    app_db.transaction_as(ask).await.expect("asked once more");
    let remove =
        async |tx: &mut shared::db::Tx| anyhow::Ok(shared::store::due_objects::remove(tx, &due).await?);
    assert_eq!(app_db.transaction_as(remove).await.expect("removed"), 0);
    let due = app_db.transaction_as(list).await.expect("a list");
    let remove =
        async |tx: &mut shared::db::Tx| anyhow::Ok(shared::store::due_objects::remove(tx, &due).await?);
    assert_eq!(app_db.transaction_as(remove).await.expect("removed"), 1);
}

#[tokio::test]
async fn tokens_of_calls_that_never_ended_are_released() {
    let setup = Setup::new().await;
    let organization = setup.organization;
    setup
        .execute(&format!(
            "INSERT INTO token_budgets (organization_id, month, used, reserved) VALUES ('{organization}', '2026-01-01', 5, 30);
             INSERT INTO token_reservations (id, organization_id, month, tokens, expires_at)
             VALUES (gen_random_uuid(), '{organization}', '2026-01-01', 10, now() - interval '1 second'),
                    (gen_random_uuid(), '{organization}', '2026-01-01', 20, now() + interval '1 minute')"
        ))
        .await;
    assert_eq!(swept(&setup).await.reservations_released, 1);
    assert_eq!(setup.count("SELECT reserved FROM token_budgets").await, 20);
    setup.check().await;
}

#[tokio::test]
async fn totals_are_counted_again_every_day() {
    let setup = Setup::new().await;
    let (function, upload) = (setup.index().await, setup.extracted(3).await);
    assert!(deliver(&function, &extracted(&upload)).await);
    let deleted = setup.artifact(None).await;
    setup
        .execute(&format!("UPDATE artifacts SET deleted_at = now() WHERE id = '{}'", deleted.artifact_id))
        .await;
    let other = shared::domain::ids::OrganizationId::new();
    setup.insert_organization(other).await;
    setup.execute("UPDATE organization_totals SET artifacts = 7, bytes = 8, chunks = 9").await;
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    for wrong in [2, 0] {
        let report = run(&state(&setup), Request::default(), &job).await.expect("a report");
        assert_eq!(report.wrong_totals, wrong);
        let totals = "SELECT string_agg(concat_ws(' ', artifacts, bytes, chunks), '; ' ORDER BY organization_id) FROM organization_totals";
        assert_eq!(setup.text(totals).await, "1 10 3; 0 0 0");
    }
}
