//! Counts again what is in `organization_totals`.

use crate::{db::Tx, domain::ids::OrganizationId};

/// Returns the first organization after `after` that has totals.
pub async fn next(tx: &mut Tx, after: OrganizationId) -> sqlx::Result<Option<OrganizationId>> {
    sqlx::query_scalar!(
        r#"
        SELECT organization_id AS "organization_id: OrganizationId"
        FROM organization_totals
        WHERE organization_id > $1
        ORDER BY organization_id
        LIMIT 1
        "#,
        after as OrganizationId,
    )
    .fetch_optional(tx)
    .await
}

/// Corrects the totals of an organization. Returns whether they were wrong.
///
/// The lock comes first: a transaction that has changed rows but not yet the totals waits for it, and then adds its change.
pub async fn correct(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<bool> {
    let lock = sqlx::query!(
        r#"SELECT 1 AS "one!" FROM organization_totals WHERE organization_id = $1 FOR UPDATE"#,
        organization as OrganizationId,
    );
    lock.fetch_optional(&mut *tx).await?;
    let corrected = sqlx::query!(
        r#"
        UPDATE organization_totals t
        SET artifacts = c.artifacts, bytes = c.bytes, chunks = c.chunks
        FROM (
            SELECT count(*) AS artifacts, coalesce(sum(byte_size), 0)::bigint AS bytes,
                   (SELECT count(*) FROM chunks c JOIN artifacts a ON a.id = c.artifact_id
                    WHERE a.organization_id = $1 AND a.deleted_at IS NULL) AS chunks
            FROM artifacts
            WHERE organization_id = $1 AND deleted_at IS NULL
        ) c
        WHERE t.organization_id = $1 AND (t.artifacts, t.bytes, t.chunks) <> (c.artifacts, c.bytes, c.chunks)
        "#,
        organization as OrganizationId,
    )
    .execute(tx)
    .await?;
    Ok(corrected.rows_affected() == 1)
}
