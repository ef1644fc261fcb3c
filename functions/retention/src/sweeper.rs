//! Every two minutes: brings artifacts that make no progress to a final state, ends answers of language models that have stopped, deletes
//! the objects that are due, and releases the tokens of calls that never ended.

use chrono::TimeDelta;
use metrics::counter;
use serde::Serialize;
use shared::{
    aws::{s3::Bucket, sqs::Queue},
    config::Config,
    db::Tx,
    domain::ingestion::{
        ArtifactStatus, FailureCode, IndexKind, IndexMessage, Reindex, ReindexMessage, Stage, file_event,
    },
    lambda::job::Job,
    store::{self, due_objects::DueObject, stuck_artifacts::Stuck},
    telemetry,
};
use tokio::time::Duration;

use crate::{State, conversations};

/// An artifact without progress for so long is sent again, at most twice. After three times as long it fails.
const PROCESSING_PERIOD: TimeDelta = TimeDelta::minutes(6);
/// Like [`PROCESSING_PERIOD`], for the file of a new artifact. Its URL is valid for less. At the end it expires.
const PENDING_PERIOD: TimeDelta = TimeDelta::minutes(20);
/// It fails after this, also if it could not be sent again. With the time between two runs, within 30 minutes of its last progress.
const PROCESSING_LIMIT: TimeDelta = TimeDelta::minutes(26);
const PENDING_LIMIT: TimeDelta = TimeDelta::hours(1);
const MAX_ATTEMPTS: i32 = 2;
/// Artifacts and objects of one batch.
const BATCH_ROWS: i64 = 100;
/// Time kept at the end of the run: for the longest transaction (10 s).
const RESERVE: Duration = Duration::from_secs(15);
/// A run that works for longer ends, so that the next one begins with the artifacts again.
const MAX_TIME: Duration = Duration::from_secs(100);

/// Where the objects and the messages are.
pub(crate) struct Ingestion {
    pub artifacts: Bucket,
    bucket: String,
    extract: Queue,
    index: Queue,
}

impl Ingestion {
    pub fn new(config: &Config) -> Self {
        let storage = &config.storage;
        Self {
            artifacts: Bucket::new(&storage.artifacts, ""),
            bucket: storage.artifacts.clone(),
            extract: Queue::new(&storage.extract_queue),
            index: Queue::new(&storage.index_queue),
        }
    }

    /// Lets `index` give all ready artifacts vectors of another model.
    pub async fn reindex(&self) -> anyhow::Result<()> {
        let message = ReindexMessage { reindex: Reindex::ALL };
        Ok(self.index.send(&serde_json::to_string(&message)?).await?)
    }
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Artifacts that were sent to their queue again.
    pub sent_again: u64,
    pub failed: u64,
    pub expired: u64,
    /// Objects of which every version was deleted.
    pub objects_deleted: u64,
    /// Answers of language models that had stopped. They are ended, and their tokens settled.
    pub answers_interrupted: u64,
    /// Deleted conversations whose rows were removed.
    pub conversations_removed: u64,
    pub reservations_released: u64,
    /// Artifacts and objects that could not be handled. The log has the reasons.
    pub errors: u64,
    /// Whether nothing is left that is due.
    pub complete: bool,
}

/// Sweeps once. One artifact or object that fails does not stop the rest, but fails the run at its end.
pub async fn sweep(state: &State, job: &Job) -> anyhow::Result<Swept> {
    let run = Sweep { state, job, started: tokio::time::Instant::now() };
    let mut swept = Swept::default();
    let processing = run.artifacts(ArtifactStatus::Processing, PROCESSING_PERIOD, &mut swept).await?;
    let pending = run.artifacts(ArtifactStatus::Pending, PENDING_PERIOD, &mut swept).await?;
    // Before the release of reservations: the tokens of these answers are used.
    let answers = conversations::sweep(state, job, || run.has_time(), &mut swept).await?;
    let release = async |tx: &mut Tx| anyhow::Ok(store::token_budgets::release_expired(tx, None).await?);
    swept.reservations_released = state.db.transaction_as(release).await?.unsigned_abs();
    let objects = run.objects(&mut swept).await?;
    swept.complete = processing && pending && answers && objects;
    for (outcome, count) in
        [("sent-again", swept.sent_again), ("failed", swept.failed), ("expired", swept.expired)]
    {
        if count > 0 {
            counter!("ArtifactsSwept", "outcome" => outcome).increment(count);
        }
    }
    anyhow::ensure!(
        swept.errors == 0,
        "{} artifacts or objects were not handled; the log says which and why",
        swept.errors
    );
    Ok(swept)
}

struct Sweep<'a> {
    state: &'a State,
    job: &'a Job,
    started: tokio::time::Instant,
}

enum Outcome {
    SentAgain,
    Failed,
    Expired,
    /// It has made progress.
    Unchanged,
}

impl Sweep<'_> {
    fn has_time(&self) -> bool {
        !self.job.deadline.is_reached(RESERVE) && self.started.elapsed() < MAX_TIME
    }

    /// Handles the artifacts with `status` that are stuck. Returns whether none is left.
    async fn artifacts(
        &self,
        status: ArtifactStatus,
        period: TimeDelta,
        swept: &mut Swept,
    ) -> anyhow::Result<bool> {
        let seconds = period.as_seconds_f64();
        while self.has_time() {
            let list = async |tx: &mut Tx| {
                anyhow::Ok(store::stuck_artifacts::list(tx, status, seconds, BATCH_ROWS).await?)
            };
            let found = self.state.db.transaction_as(list).await?;
            let (count, errors) = (found.len(), swept.errors);
            for stuck in found {
                if !self.has_time() {
                    return Ok(false);
                }
                match self.artifact(&stuck).await {
                    Ok(Outcome::SentAgain) => swept.sent_again += 1,
                    Ok(Outcome::Failed) => swept.failed += 1,
                    Ok(Outcome::Expired) => swept.expired += 1,
                    Ok(Outcome::Unchanged) => {}
                    Err(error) => {
                        let (artifact, error) = (stuck.upload.artifact_id, format!("{error:#}"));
                        tracing::error!(request.id = self.job.id, artifact.id = %artifact, error, "artifact not swept");
                        swept.errors += 1;
                    }
                }
            }
            telemetry::flush();
            // Those that failed are the first of the next batch too.
            if i64::try_from(count)? < BATCH_ROWS || swept.errors > errors {
                return Ok(swept.errors == errors);
            }
        }
        Ok(false)
    }

    async fn artifact(&self, stuck: &Stuck) -> anyhow::Result<Outcome> {
        let age = self.state.clock.now() - stuck.progressed_at;
        let limit = if stuck.stage.is_some() { PROCESSING_LIMIT } else { PENDING_LIMIT };
        if stuck.attempts >= MAX_ATTEMPTS || age >= limit {
            return self.end(stuck).await;
        }
        // First sent, then counted: what is sent twice changes nothing, and what is not sent is tried in the next run.
        let Ingestion { bucket, extract, index, .. } = &self.state.ingestion;
        if stuck.stage == Some(Stage::Indexing) {
            let message = IndexMessage { upload: stuck.upload, kind: IndexKind::Continue };
            index.send(&serde_json::to_string(&message)?).await?;
        } else {
            extract.send(&file_event(bucket, &stuck.upload)).await?;
        }
        let count = async |tx: &mut Tx| anyhow::Ok(store::stuck_artifacts::count_attempt(tx, stuck).await?);
        self.state.db.transaction_as(count).await?;
        tracing::warn!(request.id = self.job.id, artifact.id = %stuck.upload.artifact_id, "artifact sent again");
        Ok(Outcome::SentAgain)
    }

    /// Brings the artifact to its final state, unless it has made progress.
    async fn end(&self, stuck: &Stuck) -> anyhow::Result<Outcome> {
        let request = self.job.request();
        let end = async |tx: &mut Tx| {
            let Some(artifact) = store::ingestion::lock(tx, &stuck.upload).await? else {
                return Ok(Outcome::Unchanged);
            };
            let same = (artifact.stage, artifact.attempts, artifact.progressed_at)
                == (stuck.stage, stuck.attempts, stuck.progressed_at);
            if !same || artifact.is_final() || artifact.deleted_at.is_some() || artifact.is_leased(tx.now()) {
                return Ok(Outcome::Unchanged);
            }
            if artifact.status == ArtifactStatus::Pending {
                store::ingestion::expire(tx, &stuck.upload).await?;
                return Ok(Outcome::Expired);
            }
            let failure = artifact.failure_or(FailureCode::ProcessingStopped);
            store::ingestion::fail(tx, &stuck.upload, failure, None, &request).await?;
            anyhow::Ok(Outcome::Failed)
        };
        let outcome = self.state.db.transaction_as(end).await?;
        if matches!(outcome, Outcome::Failed) {
            tracing::warn!(request.id = self.job.id, artifact.id = %stuck.upload.artifact_id, "artifact without progress failed");
        }
        Ok(outcome)
    }

    /// Deletes every version of the objects that are due. Returns whether none is left.
    async fn objects(&self, swept: &mut Swept) -> anyhow::Result<bool> {
        while self.has_time() {
            let list = async |tx: &mut Tx| anyhow::Ok(store::due_objects::list(tx, BATCH_ROWS).await?);
            let due = self.state.db.transaction_as(list).await?;
            let (count, errors) = (due.len(), swept.errors);
            let (mut gone, mut is_cut) = (Vec::with_capacity(count), false);
            for object in due {
                is_cut = !self.has_time();
                if is_cut {
                    break;
                }
                match self.delete(&object).await {
                    Ok(()) => gone.push(object),
                    Err(error) => {
                        let (key, error) = (&object.key, format!("{error:#}"));
                        tracing::error!(request.id = self.job.id, key, error, "object not deleted");
                        swept.errors += 1;
                        // The storage may be unavailable: the next run tries again.
                        break;
                    }
                }
            }
            let remove = async |tx: &mut Tx| anyhow::Ok(store::due_objects::remove(tx, &gone).await?);
            swept.objects_deleted += self.state.db.transaction_as(remove).await?;
            if is_cut || i64::try_from(count)? < BATCH_ROWS || swept.errors > errors {
                return Ok(!is_cut && swept.errors == errors);
            }
        }
        Ok(false)
    }

    /// Deletes every version of an object, and every delete marker.
    async fn delete(&self, object: &DueObject) -> anyhow::Result<()> {
        let bucket = &self.state.ingestion.artifacts;
        let mut versions = bucket.versions(&object.key).await?;
        // The prefix of other keys too.
        versions.retain(|version| version.key == object.key);
        Ok(bucket.delete_versions(&versions).await?)
    }
}
