//! Artifacts that end in another state than `ready`.

use harness::runtime_api::Function;
use serde_json::json;
use shared::domain::{
    ids::ArtifactId,
    ingestion::{FailureCode, IndexKind, Upload, file_event},
};

use super::setup::{Setup, deliver, deliver_from, event, extracted, failed, message};

async fn start() -> (Setup, Function) {
    let setup = Setup::new().await;
    let function = setup.index().await;
    (setup, function)
}

#[tokio::test]
async fn failure_of_extract_is_final_and_recorded() {
    let (setup, function) = start().await;
    let upload = setup.artifact(Some("extracting")).await;
    assert!(deliver(&function, &failed(&upload, FailureCode::EncryptedFile)).await);
    assert_eq!(setup.state(&upload).await, "failed/encrypted-file");
    assert_eq!(setup.text("SELECT failure_detail FROM artifacts").await, "A sentence.");
    assert_eq!(setup.text("SELECT action FROM audit_events").await, "artifact.failed");
    let before = setup.database.checksums().await;
    for body in
        [extracted(&upload), message(&upload, IndexKind::Extracting), message(&upload, IndexKind::Continue)]
    {
        assert!(deliver(&function, &body).await, "a late message is acknowledged");
    }
    assert_eq!(setup.database.checksums().await, before);
}

#[tokio::test]
async fn extraction_that_ran_twice_cannot_undo_a_success() {
    let (setup, function) = start().await;
    let upload = setup.artifact(Some("indexing")).await;
    for body in [
        failed(&upload, FailureCode::BrokenFile),
        message(&upload, IndexKind::Missing),
        message(&upload, IndexKind::Extracting),
    ] {
        assert!(deliver(&function, &body).await);
        assert_eq!(setup.state(&upload).await, "processing/indexing");
    }
}

#[tokio::test]
async fn missing_file_expires_a_new_artifact_and_fails_another() {
    let (setup, function) = start().await;
    let (new, old) = (setup.artifact(None).await, setup.artifact(Some("extracting")).await);
    for upload in [&new, &old] {
        assert!(deliver(&function, &message(upload, IndexKind::Missing)).await);
    }
    assert_eq!(setup.state(&new).await, "expired");
    assert_eq!(setup.state(&old).await, "failed/content-missing");
}

#[tokio::test]
async fn missing_file_does_not_expire_an_artifact_whose_link_is_valid() {
    let (setup, function) = start().await;
    let upload = setup.artifact(None).await;
    for (minutes, state) in [(14, "pending"), (16, "expired")] {
        setup
            .execute(&format!("UPDATE artifacts SET progressed_at = now() - interval '{minutes} minutes'"))
            .await;
        assert!(deliver(&function, &message(&upload, IndexKind::Missing)).await);
        assert_eq!(setup.state(&upload).await, state);
    }
}

#[tokio::test]
async fn texts_that_cannot_be_indexed_fail() {
    let (setup, function) = start().await;
    let (missing, empty) =
        (setup.artifact(Some("extracting")).await, setup.artifact(Some("extracting")).await);
    setup.put_lines(&empty, "{\"text\": \" \\u0000 \"}\n").await;
    let long = setup.artifact(Some("extracting")).await;
    setup.put_text(&long, 5_001).await;
    for (upload, state) in
        [(&missing, "failed/content-missing"), (&empty, "failed/no-text"), (&long, "failed/too-many-chunks")]
    {
        assert!(deliver(&function, &extracted(upload)).await, "{:#?}", function.log());
        assert_eq!(setup.state(upload).await, state);
    }
    setup.check().await;
    assert_eq!(setup.count("SELECT count(*) FROM chunks").await, 0);
    assert_eq!(setup.model.seen().await.requests, 0);
}

#[tokio::test]
async fn damaged_text_is_tried_again_and_then_fails() {
    let (setup, function) = start().await;
    let upload = setup.artifact(Some("extracting")).await;
    setup.put(&upload.text_key(), b"not compressed".to_vec()).await;
    assert!(!deliver(&function, &extracted(&upload)).await);
    assert!(deliver_from(&function, "index-dead-letters", &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "failed/indexing-failed");
}

#[tokio::test]
async fn plan_limits_the_chunks_of_all_artifacts_together() {
    let setup = Setup::with(harness::model::Model::default(), &[("DEFAULT_PLAN", "free")]).await;
    let function = setup.index().await;
    let (one, other) = (setup.extracted(150).await, setup.extracted(150).await);
    setup.execute("UPDATE organization_totals SET chunks = 20000 - 150").await;
    assert!(deliver(&function, &extracted(&one)).await);
    assert_eq!(setup.state(&one).await, "ready", "{:#?}", function.log());
    assert!(deliver(&function, &extracted(&other)).await);
    assert_eq!(setup.state(&other).await, "failed/plan-limit-reached");
    setup.execute("UPDATE organization_totals SET chunks = 20000 - 120").await;
    let third = setup.extracted(150).await;
    assert!(deliver(&function, &extracted(&third)).await);
    assert_eq!(setup.state(&third).await, "failed/plan-limit-reached");
    assert_eq!(
        setup.count("SELECT chunks FROM organization_totals").await,
        20_000 - 120,
        "its chunks are gone"
    );
    assert_eq!(setup.count("SELECT count(*) FROM chunks").await, 150);
}

#[tokio::test]
async fn dead_letters_of_extract_are_final_failures() {
    let (setup, function) = start().await;
    let (new, old) = (setup.artifact(None).await, setup.artifact(Some("extracting")).await);
    let indexing = setup.artifact(Some("indexing")).await;
    for upload in [&new, &old, &indexing] {
        let body = file_event(setup.ingestion.bucket(), upload).replace('/', "%2F");
        assert!(deliver_from(&function, "extract-dead-letters", &body).await, "{:#?}", function.log());
    }
    assert_eq!(setup.state(&new).await, "failed/processing-stopped");
    assert_eq!(setup.state(&old).await, "failed/processing-stopped");
    assert_eq!(setup.state(&indexing).await, "processing/indexing", "its text is in storage");
    let test_event = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" }).to_string();
    assert!(deliver_from(&function, "extract-dead-letters", &test_event).await);
}

#[tokio::test]
async fn dead_letters_about_unknown_artifacts_delete_their_objects() {
    let (setup, function) = start().await;
    let known = setup.artifact(Some("extracting")).await;
    let unknown = Upload { artifact_id: ArtifactId::new(), ..known };
    let body = file_event(setup.ingestion.bucket(), &unknown);
    assert!(deliver_from(&function, "extract-dead-letters", &body).await);
    assert!(deliver_from(&function, "index-dead-letters", &extracted(&unknown)).await);
    let due = setup.text("SELECT string_agg(key, ' ' ORDER BY key) FROM object_deletions").await;
    assert_eq!(due, format!("{} {}", unknown.text_key(), unknown.file_key()));
    assert_eq!(setup.state(&known).await, "processing/extracting");
}

#[tokio::test]
async fn dead_letters_of_index_do_what_their_message_says_or_fail() {
    let (setup, function) = start().await;
    let cases = [
        (Some("extracting"), IndexKind::Extracted { characters: 1 }, "failed/indexing-failed"),
        (Some("indexing"), IndexKind::Continue, "failed/indexing-failed"),
        (None, IndexKind::Missing, "expired"),
        (
            Some("extracting"),
            IndexKind::Failed { failure: FailureCode::NoText, detail: None },
            "failed/no-text",
        ),
        (None, IndexKind::Extracting, "pending"),
    ];
    for (stage, kind, state) in cases {
        let upload = setup.artifact(stage).await;
        assert!(deliver_from(&function, "index-dead-letters", &message(&upload, kind)).await);
        assert_eq!(setup.state(&upload).await, state);
    }
}

#[tokio::test]
async fn dead_letter_does_not_fail_what_another_delivery_works_on() {
    let (setup, function) = start().await;
    let upload = setup.artifact(Some("indexing")).await;
    setup.execute("UPDATE artifacts SET lease_until = now() + interval '1 minute'").await;
    assert!(!deliver_from(&function, "index-dead-letters", &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "processing/indexing");
    assert!(!function.log().concat().contains("ERROR"));
    setup.pass_leases().await;
    assert!(deliver_from(&function, "index-dead-letters", &extracted(&upload)).await);
    assert_eq!(setup.state(&upload).await, "failed/indexing-failed");
}

#[tokio::test]
async fn message_that_fails_five_times_ends_in_a_final_state() {
    let (setup, function) = start().await;
    let upload = setup.artifact(Some("extracting")).await;
    setup.put(&upload.text_key(), b"not compressed".to_vec()).await;
    setup.ingestion.send("index", &extracted(&upload)).await;
    let mut queues = Vec::new();
    while setup.state(&upload).await == "processing/extracting"
        || setup.state(&upload).await == "processing/indexing"
    {
        for queue in ["index", "index-dead-letters"] {
            let Some(batch) = setup.ingestion.receive(queue, std::time::Duration::from_mins(5)).await else {
                continue;
            };
            queues.push(queue);
            assert!(queues.len() < 9, "{queues:?}");
            let answer = function.invoke(batch.event.clone()).await.expect("a response");
            setup.ingestion.settle(&batch, Some(&answer), std::time::Duration::ZERO).await;
        }
    }
    assert_eq!(queues, [&["index"; 5][..], &["index-dead-letters"]].concat());
    assert_eq!(setup.state(&upload).await, "failed/indexing-failed");
    let answer = function.invoke(event("index", &extracted(&upload), 1)).await.expect("a response");
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
}
