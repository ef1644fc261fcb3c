//! Artifacts of a restored database whose files were deleted after the backup.

use retention::{Request, Task, handle};
use serde_json::{Value, json};
use shared::{
    domain::ingestion::{IndexKind, Upload},
    lambda::job::{Deadline, Job},
};

use super::{
    setup::{Setup, deliver, extracted, message},
    sweeper::state,
};

/// Runs the task, and returns its result.
async fn check(setup: &Setup, request: Request) -> Value {
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    let request = Request { task: Task::ArtifactFiles, ..request };
    let outcome = handle(&state(setup), request, &job).await.expect("a result");
    serde_json::to_value(outcome).expect("JSON")
}

async fn delete(setup: &Setup, upload: &Upload) {
    let delete = setup.ingestion.s3().delete_object().bucket(setup.ingestion.bucket()).key(upload.file_key());
    delete.send().await.expect("deleted");
}

#[tokio::test]
async fn ready_artifact_without_its_file_fails_and_its_text_is_gone() {
    let setup = Setup::new().await;
    let function = setup.index().await;
    let mut uploads = Vec::new();
    for chunks in [3, 4, 5] {
        let upload = setup.extracted(chunks).await;
        setup.put(&upload.file_key(), b"content".to_vec()).await;
        assert!(deliver(&function, &extracted(&upload)).await, "{:#?}", function.log());
        uploads.push(upload);
    }
    let [kept, hidden, gone] = uploads.try_into().expect("three uploads");
    // A delete marker hides the file; every version of the other one is gone.
    delete(&setup, &hidden).await;
    let versions = setup.ingestion.s3().list_object_versions().bucket(setup.ingestion.bucket());
    let versions = versions.prefix(gone.file_key()).send().await.expect("versions");
    for version in versions.versions() {
        let delete = setup.ingestion.s3().delete_object().bucket(setup.ingestion.bucket());
        let delete = delete.key(gone.file_key()).set_version_id(version.version_id.clone());
        delete.send().await.expect("deleted");
    }
    // Its key begins with the key of the file that is gone.
    setup.put(&Upload { generation: 10, ..gone }.file_key(), b"content".to_vec()).await;
    let processing = setup.artifact(Some("extracting")).await;

    let before = setup.database.checksums().await;
    let last = json!([gone.organization_id, gone.artifact_id]);
    let dry = check(&setup, Request { dry_run: true, ..Request::default() }).await;
    let expected = json!({ "dryRun": true, "checked": 3, "missing": 2, "complete": true, "last": last });
    assert_eq!(dry, expected);
    assert_eq!(setup.database.checksums().await, before);

    let after = Some((hidden.organization_id, hidden.artifact_id));
    let rest = check(&setup, Request { after, ..Request::default() }).await;
    assert_eq!((&rest["checked"], &rest["missing"]), (&json!(1), &json!(1)), "those after the last run");
    assert_eq!(setup.state(&hidden).await, "ready");
    let all = check(&setup, Request::default()).await;
    assert_eq!((&all["checked"], &all["missing"]), (&json!(2), &json!(1)));
    for (upload, state, chunks) in [
        (kept, "ready", 3),
        (hidden, "failed/content-missing", 0),
        (gone, "failed/content-missing", 0),
        (processing, "processing/extracting", 0),
    ] {
        assert_eq!(setup.state(&upload).await, state);
        let query = format!("SELECT count(*) FROM chunks WHERE artifact_id = '{}'", upload.artifact_id);
        assert_eq!(setup.count(&query).await, chunks);
    }
    assert_eq!(setup.count("SELECT chunks FROM organization_totals").await, 3);
    let failed =
        "SELECT count(*) FROM audit_events WHERE action = 'artifact.failed' AND request_id = 'the-run'";
    assert_eq!(setup.count(failed).await, 2);
    assert_eq!(check(&setup, Request::default()).await["missing"], 0);
    setup.check().await;
}

#[tokio::test]
async fn text_of_an_artifact_without_its_file_is_gone_however_that_is_found_out() {
    let setup = Setup::new().await;
    let function = setup.index().await;
    let upload = setup.extracted(3).await;
    assert!(deliver(&function, &extracted(&upload)).await);
    setup.execute("UPDATE artifacts SET status = 'processing', stage = 'extracting'").await;
    assert!(deliver(&function, &message(&upload, IndexKind::Missing)).await);
    assert_eq!(setup.state(&upload).await, "failed/content-missing");
    assert_eq!(setup.count("SELECT count(*) FROM chunks").await, 0);
    setup.check().await;
}

#[tokio::test]
async fn arguments_of_other_tasks_are_refused() {
    let setup = Setup::new().await;
    let job = Job { id: "the-run".to_owned(), deadline: Deadline::far() };
    for request in [
        json!({ "task": "artifacts", "dryRun": true }),
        json!({ "task": "reindex", "dryRun": true }),
        json!({ "after": [setup.organization, setup.organization] }),
    ] {
        let request: Request = serde_json::from_value(request).expect("a request");
        let error = handle(&state(&setup), request, &job).await.expect_err("refused");
        assert!(error.to_string().starts_with("invalid event: this task has no"), "{error:#}");
    }
}
