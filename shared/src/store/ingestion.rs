//! The states of an artifact on its way to its chunks. For `index` and the sweeper.
//!
//! Lock the artifact with [`lock`], decide, then change it in the same transaction.

use chrono::{DateTime, Utc};

use super::{audit_events, chunks};
use crate::{
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::{ArtifactId, OrganizationId},
        ingestion::{ArtifactStatus, FailureCode, Stage, UPLOAD_LINK_LIFETIME, Upload},
    },
};

/// In `failure_detail` while an artifact waits for the model.
const WAITS_FOR_MODEL: &str = "The model did not answer.";

/// The state of a locked artifact.
#[derive(Debug, Clone)]
pub struct State {
    pub generation: i32,
    pub status: ArtifactStatus,
    pub stage: Option<Stage>,
    /// How often the sweeper has sent it again since its last progress.
    pub attempts: i32,
    pub lease_until: Option<DateTime<Utc>>,
    pub chunks_total: i32,
    pub chunker: Option<i16>,
    pub progressed_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    failure_detail: Option<String>,
}

impl State {
    /// Returns whether nothing will change any more, unless a member asks for it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self.status, ArtifactStatus::Pending | ArtifactStatus::Processing)
    }

    /// Returns whether a link for the upload of its file may still be valid at `now`.
    #[must_use]
    pub fn awaits_upload(&self, now: DateTime<Utc>) -> bool {
        now < self.progressed_at + UPLOAD_LINK_LIFETIME
    }

    /// Returns whether a delivery works on it at `now`.
    #[must_use]
    pub fn is_leased(&self, now: DateTime<Utc>) -> bool {
        self.lease_until.is_some_and(|until| now < until)
    }

    /// Returns the reason for which it fails, if `reason` is all that is known.
    #[must_use]
    pub fn failure_or(&self, reason: FailureCode) -> FailureCode {
        match self.failure_detail.as_deref() {
            Some(WAITS_FOR_MODEL) => FailureCode::ModelUnavailable,
            _ => reason,
        }
    }
}

/// Loads and locks an artifact, deleted or not, until the transaction ends. The upload's generation may be another one.
pub async fn lock(tx: &mut Tx, upload: &Upload) -> sqlx::Result<Option<State>> {
    sqlx::query_as!(
        State,
        r#"
        SELECT generation, status AS "status: ArtifactStatus", stage AS "stage: Stage", attempts, lease_until, chunks_total, chunker,
               progressed_at, deleted_at, failure_detail
        FROM artifacts
        WHERE organization_id = $1 AND id = $2
        FOR NO KEY UPDATE
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
    )
    .fetch_optional(tx)
    .await
}

/// Notes that the text of the artifact is being extracted.
pub async fn set_extracting(tx: &mut Tx, upload: &Upload) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET version = version + (status = 'pending')::int, status = 'processing', stage = 'extracting', chunks_done = 0,
            chunks_total = 0, progressed_at = $3, updated_at = $3
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Begins to index the artifact, whose text is in storage: with no chunk done.
pub async fn set_indexing(tx: &mut Tx, upload: &Upload) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET status = 'processing', stage = 'indexing', failure_detail = NULL, attempts = 0, chunks_done = 0, chunks_total = 0,
            progressed_at = $3, updated_at = $3, version = version + 1
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Lets one delivery work on the artifact until `until`.
pub async fn lease(tx: &mut Tx, upload: &Upload, until: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE artifacts SET lease_until = $3 WHERE organization_id = $1 AND id = $2",
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        until,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Ends the lease of `until`, unless another delivery has one. `waits_for_model` says why there was no progress.
pub async fn release(
    tx: &mut Tx,
    upload: &Upload,
    until: DateTime<Utc>,
    waits_for_model: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET lease_until = NULL, failure_detail = coalesce($4, failure_detail)
        WHERE organization_id = $1 AND id = $2 AND lease_until = $3
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        until,
        waits_for_model.then_some(WAITS_FOR_MODEL),
    )
    .execute(tx)
    .await
    .map(drop)
}

/// What is known of the chunks of an artifact.
#[derive(Debug, Clone, Copy)]
pub struct Chunks<'a> {
    pub total: i32,
    /// The version of the rules by which they were cut.
    pub chunker: i16,
    /// The text search configuration of their terms.
    pub language: &'a str,
}

/// Notes progress: the number of chunks. Extends the lease to `until`.
pub async fn set_chunks(
    tx: &mut Tx,
    upload: &Upload,
    chunks: Chunks<'_>,
    until: DateTime<Utc>,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET chunks_total = $3, chunker = $4, language = $5, lease_until = $6, progressed_at = $7, attempts = 0
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        chunks.total,
        chunks.chunker,
        chunks.language,
        until,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Notes progress: counts the chunks with a vector in `space`. Extends the lease to `until`.
pub async fn count_done(tx: &mut Tx, upload: &Upload, space: i16, until: DateTime<Utc>) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET chunks_done = (SELECT count(*) FROM chunk_vectors v WHERE v.organization_id = $1 AND v.artifact_id = $2 AND v.space = $3),
            lease_until = $4, progressed_at = $5, attempts = 0, failure_detail = NULL
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        space,
        until,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Ends with success.
pub async fn set_ready(tx: &mut Tx, upload: &Upload, request: &RequestInfo) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET status = 'ready', stage = NULL, failure_detail = NULL, lease_until = NULL, attempts = 0, indexed_at = $3,
            progressed_at = $3, updated_at = $3, version = version + 1
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        now,
    )
    .execute(&mut *tx)
    .await?;
    record(tx, Action::ArtifactReady, upload, request).await
}

/// Ends with `failure`. `detail` is a sentence, if there is more to say. Deletes its chunks, unless a retry can use them.
pub async fn fail(
    tx: &mut Tx,
    upload: &Upload,
    failure: FailureCode,
    detail: Option<&str>,
    request: &RequestInfo,
) -> sqlx::Result<()> {
    if !failure.keeps_chunks() {
        chunks::delete_counted(tx, upload.organization_id, upload.artifact_id).await?;
    }
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET status = 'failed', stage = NULL, failure = $3, failure_detail = $4, lease_until = NULL, updated_at = $5,
            version = version + 1
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        failure.as_str(),
        detail,
        now,
    )
    .execute(&mut *tx)
    .await?;
    record(tx, Action::ArtifactFailed, upload, request).await
}

/// Ends an artifact whose file was not uploaded in time.
pub async fn expire(tx: &mut Tx, upload: &Upload) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET status = 'expired', stage = NULL, lease_until = NULL, updated_at = $3, version = version + 1
        WHERE organization_id = $1 AND id = $2
        "#,
        upload.organization_id as OrganizationId,
        upload.artifact_id as ArtifactId,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Records what the system did to an artifact.
async fn record(tx: &mut Tx, action: Action, upload: &Upload, request: &RequestInfo) -> sqlx::Result<()> {
    let event = Event::anonymous(action, request).within(upload.organization_id).to(upload.artifact_id.0);
    audit_events::insert(tx, &event).await
}
