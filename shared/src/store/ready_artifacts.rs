//! The ready artifacts of all organizations. For `index` and for the check of their files.

use uuid::Uuid;

use crate::{
    db::Tx,
    domain::{
        ids::{ArtifactId, OrganizationId},
        ingestion::Upload,
    },
};

/// Returns the ready artifacts after `after`, at most `limit`, in the order of their organizations and ids.
pub async fn list(
    tx: &mut Tx,
    after: Option<(OrganizationId, ArtifactId)>,
    limit: i64,
) -> sqlx::Result<Vec<Upload>> {
    let (organization, artifact) = after.unwrap_or((OrganizationId(Uuid::nil()), ArtifactId(Uuid::nil())));
    let rows = sqlx::query!(
        r#"
        SELECT organization_id AS "organization_id: OrganizationId", id AS "id: ArtifactId", generation
        FROM artifacts
        WHERE (organization_id, id) > ($1, $2) AND status = 'ready' AND deleted_at IS NULL
        ORDER BY organization_id, id
        LIMIT $3
        "#,
        organization as OrganizationId,
        artifact as ArtifactId,
        limit,
    )
    .fetch_all(tx)
    .await?;
    let uploads = rows.into_iter().map(|row| Upload {
        organization_id: row.organization_id,
        artifact_id: row.id,
        generation: row.generation,
    });
    Ok(uploads.collect())
}
