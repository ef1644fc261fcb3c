//! Statements that delete an artifact.

use crate::{
    db::Tx,
    domain::{
        ids::{ArtifactId, OrganizationId},
        ingestion::Upload,
    },
    store::recount,
};

/// What a deleted artifact used.
#[derive(Debug, Clone, Copy)]
pub struct Deleted {
    pub byte_size: i64,
    /// The last upload. Those before it may have objects too.
    pub upload: Upload,
}

/// Deletes the artifact, if its version is one of `versions` or `versions` is `None`. Overwrites what says something about its content.
/// The row stays, so that late messages about the artifact find that it is deleted.
pub async fn delete(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ArtifactId,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Deleted>> {
    let now = tx.now();
    let deleted = sqlx::query!(
        r#"
        UPDATE artifacts
        SET name = 'deleted', description = NULL, sha256 = decode(repeat('00', 32), 'hex'), language = NULL,
            status = 'expired', stage = NULL, failure = NULL, failure_detail = NULL, lease_until = NULL,
            chunks_done = 0, chunks_total = 0, deleted_at = $4, updated_at = $4, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND ($3::bigint[] IS NULL OR version = ANY($3))
        RETURNING byte_size, generation
        "#,
        organization as OrganizationId,
        id as ArtifactId,
        versions,
        now,
    )
    .fetch_optional(tx)
    .await?;
    Ok(deleted.map(|row| Deleted {
        byte_size: row.byte_size,
        upload: Upload { organization_id: organization, artifact_id: id, generation: row.generation },
    }))
}

/// Deletes the rows of the organization's artifacts and labels, except of artifacts that a user under a legal hold created, and counts what
/// is left.
pub async fn delete_unheld(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM artifacts a
        WHERE organization_id = $1
          AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = a.created_by AND u.legal_hold_at IS NOT NULL)
        "#,
        organization as OrganizationId,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM labels WHERE organization_id = $1", organization as OrganizationId)
        .execute(&mut *tx)
        .await?;
    recount::correct(tx, organization).await.map(drop)
}
