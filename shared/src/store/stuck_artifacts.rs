//! Artifacts that make no progress. For the sweeper.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        ids::{ArtifactId, OrganizationId},
        ingestion::{ArtifactStatus, Stage, Upload},
    },
};

/// An artifact without progress.
#[derive(Debug, Clone, Copy)]
pub struct Stuck {
    pub upload: Upload,
    pub stage: Option<Stage>,
    pub attempts: i32,
    pub progressed_at: DateTime<Utc>,
}

/// Returns artifacts with `status` that have made no progress for `seconds`, or for twice or three times as long if they were sent again
/// once or twice; at most `limit`: those first that have waited longest. Not those on which a delivery works.
pub async fn list(tx: &mut Tx, status: ArtifactStatus, seconds: f64, limit: i64) -> sqlx::Result<Vec<Stuck>> {
    let now = tx.now();
    let found = sqlx::query!(
        r#"
        SELECT organization_id AS "organization_id: OrganizationId", id AS "id: ArtifactId", generation, stage AS "stage: Stage", attempts,
               progressed_at
        FROM artifacts
        WHERE status = $1 AND deleted_at IS NULL AND progressed_at <= $2::timestamptz - make_interval(secs => $3)
          AND progressed_at <= $2::timestamptz - make_interval(secs => $3 * least(attempts + 1, 3))
          AND (lease_until IS NULL OR lease_until <= $2)
        ORDER BY progressed_at
        LIMIT $4
        "#,
        status.as_str(),
        now,
        seconds,
        limit,
    )
    .fetch_all(tx)
    .await?;
    let stuck = found.into_iter().map(|row| Stuck {
        upload: Upload {
            organization_id: row.organization_id,
            artifact_id: row.id,
            generation: row.generation,
        },
        stage: row.stage,
        attempts: row.attempts,
        progressed_at: row.progressed_at,
    });
    Ok(stuck.collect())
}

/// Counts that the artifact was sent again, unless it has made progress.
pub async fn count_attempt(tx: &mut Tx, stuck: &Stuck) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET attempts = attempts + 1
        WHERE organization_id = $1 AND id = $2 AND attempts = $3 AND progressed_at = $4
        "#,
        stuck.upload.organization_id as OrganizationId,
        stuck.upload.artifact_id as ArtifactId,
        stuck.attempts,
        stuck.progressed_at,
    )
    .execute(tx)
    .await
    .map(drop)
}
