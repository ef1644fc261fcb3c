//! On demand, after a restore of the database: lets ready artifacts fail whose file is not in storage any more.

use futures_util::future::join_all;
use metrics::counter;
use serde::Serialize;
use shared::{
    aws::s3::Bucket,
    db::Tx,
    domain::{
        ids::{ArtifactId, OrganizationId},
        ingestion::{ArtifactStatus, FailureCode, Upload},
    },
    lambda::job::Job,
    store, telemetry,
};
use tokio::time::Duration;

use crate::State;

/// Artifacts of one statement.
const PAGE_ROWS: i64 = 100;
/// Time kept at the end of the run: for the longest transaction (10 s).
const RESERVE: Duration = Duration::from_secs(15);

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilesChecked {
    pub dry_run: bool,
    /// Ready artifacts that were looked at.
    pub checked: u64,
    /// Those whose file is gone. They failed, unless it is a dry run.
    pub missing: u64,
    /// Whether all artifacts were looked at.
    pub complete: bool,
    /// The last one, for the `after` of the next run.
    pub last: Option<(OrganizationId, ArtifactId)>,
}

/// Checks the files of ready artifacts after `after`, until the deadline is near. Safe to run at any time.
pub async fn check_files(
    state: &State,
    dry_run: bool,
    after: Option<(OrganizationId, ArtifactId)>,
    job: &Job,
) -> anyhow::Result<FilesChecked> {
    let mut report = FilesChecked { dry_run, last: after, ..FilesChecked::default() };
    while !job.deadline.is_reached(RESERVE) {
        let list =
            async |tx: &mut Tx| anyhow::Ok(store::ready_artifacts::list(tx, report.last, PAGE_ROWS).await?);
        let page = state.db.transaction_as(list).await?;
        let Some(end) = page.last().map(|upload| (upload.organization_id, upload.artifact_id)) else {
            report.complete = true;
            break;
        };
        report.checked += u64::try_from(page.len())?;
        let bucket = &state.ingestion.artifacts;
        let answers = join_all(page.iter().map(|upload| is_missing(bucket, upload))).await;
        for (upload, is_missing) in page.iter().zip(answers) {
            if !is_missing? {
                continue;
            }
            if dry_run || fail(state, upload, job).await? {
                tracing::warn!(request.id = job.id, artifact.id = %upload.artifact_id, dry_run, "file of a ready artifact is missing");
                report.missing += 1;
            }
        }
        report.last = Some(end);
        telemetry::flush();
    }
    Ok(report)
}

async fn is_missing(bucket: &Bucket, upload: &Upload) -> anyhow::Result<bool> {
    let key = upload.file_key();
    let versions = bucket.versions(&key).await?;
    // The prefix of other keys too.
    Ok(!versions.iter().any(|version| version.key == key && version.is_current && !version.is_delete_marker))
}

/// Lets the artifact fail, unless it has changed. Returns whether it did.
async fn fail(state: &State, upload: &Upload, job: &Job) -> anyhow::Result<bool> {
    let request = job.request();
    let fail = async |tx: &mut Tx| {
        let Some(artifact) = store::ingestion::lock(tx, upload).await? else { return Ok(false) };
        let same = artifact.status == ArtifactStatus::Ready && artifact.generation == upload.generation;
        if !same || artifact.deleted_at.is_some() {
            return Ok(false);
        }
        store::ingestion::fail(tx, upload, FailureCode::ContentMissing, None, &request).await?;
        anyhow::Ok(true)
    };
    let failed = state.db.transaction_as(fail).await?;
    if failed {
        counter!("ArtifactsSwept", "outcome" => "content-missing").increment(1);
    }
    Ok(failed)
}
