//! The `organization_totals` table. It changes only together with the rows that it counts.

use crate::{db::Tx, domain::ids::OrganizationId};

/// What an organization has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub artifacts: i64,
    /// The sizes of their files.
    pub bytes: i64,
    pub chunks: i64,
}

/// Returns what the organization has.
pub async fn find(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<Totals> {
    let found = sqlx::query_as!(
        Totals,
        "SELECT artifacts, bytes, chunks FROM organization_totals WHERE organization_id = $1",
        organization as OrganizationId,
    )
    .fetch_optional(tx)
    .await?;
    Ok(found.unwrap_or_default())
}

/// Counts a new artifact of this size, unless the organization would then have more than `limit` bytes. Returns whether it did.
pub async fn add_artifact(
    tx: &mut Tx,
    organization: OrganizationId,
    bytes: i64,
    limit: i64,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        INSERT INTO organization_totals AS t (organization_id, artifacts, bytes)
        SELECT $1, 1, $2 WHERE $2::bigint <= $3
        ON CONFLICT (organization_id) DO UPDATE
        SET artifacts = t.artifacts + 1, bytes = t.bytes + $2
        WHERE t.bytes + $2 <= $3
        "#,
        organization as OrganizationId,
        bytes,
        limit,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Counts new chunks, unless the organization would then have more than `limit`. Returns whether it did.
pub async fn add_chunks(
    tx: &mut Tx,
    organization: OrganizationId,
    chunks: i64,
    limit: i64,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        UPDATE organization_totals
        SET chunks = chunks + $2
        WHERE organization_id = $1 AND chunks + $2 <= $3
        "#,
        organization as OrganizationId,
        chunks,
        limit,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// No longer counts an artifact of this size, with this number of chunks.
pub async fn remove_artifact(
    tx: &mut Tx,
    organization: OrganizationId,
    bytes: i64,
    chunks: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE organization_totals
        SET artifacts = artifacts - 1, bytes = bytes - $2, chunks = chunks - $3
        WHERE organization_id = $1
        "#,
        organization as OrganizationId,
        bytes,
        chunks,
    )
    .execute(tx)
    .await
    .map(drop)
}
