//! The `%snakes%` table.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        ids::{OrganizationId, UserId, %Pascal%Id},
        page::PageQuery,
    },
};

/// A row of `%snakes%`.
#[derive(Debug, Clone)]
pub struct %Pascal% {
    pub id: %Pascal%Id,
    pub name: String,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Counts every change.
    pub version: i64,
}

/// Adds %a words%.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    name: &str,
    created_by: Option<UserId>,
) -> sqlx::Result<%Pascal%> {
    let now = tx.now();
    sqlx::query_as!(
        %Pascal%,
        r#"
        INSERT INTO %snakes% (id, organization_id, name, created_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        RETURNING id AS "id: %Pascal%Id", name, created_by AS "created_by: UserId", created_at, updated_at, version
        "#,
        %Pascal%Id::new() as %Pascal%Id,
        organization as OrganizationId,
        name,
        created_by as Option<UserId>,
        now,
    )
    .fetch_one(tx)
    .await
}

/// Loads the %words% `id` of the organization.
pub async fn find(tx: &mut Tx, organization: OrganizationId, id: %Pascal%Id) -> sqlx::Result<Option<%Pascal%>> {
    sqlx::query_as!(
        %Pascal%,
        r#"
        SELECT id AS "id: %Pascal%Id", name, created_by AS "created_by: UserId", created_at, updated_at, version
        FROM %snakes%
        WHERE organization_id = $1 AND id = $2
        "#,
        organization as OrganizationId,
        id as %Pascal%Id,
    )
    .fetch_optional(tx)
    .await
}

/// Loads a page of the organization's %many words%.
pub async fn list(tx: &mut Tx, organization: OrganizationId, page: &PageQuery) -> sqlx::Result<Vec<%Pascal%>> {
    page_of!(
        tx,
        page,
        %Pascal%,
        r#"
        SELECT id AS "id: %Pascal%Id", name, created_by AS "created_by: UserId", created_at, updated_at, version
        FROM %snakes%
        WHERE organization_id = $3
        "#,
        "id",
        organization as OrganizationId
    )
}

/// Changes the %words%, if its version is one of `versions` or `versions` is `None`.
pub async fn update(
    tx: &mut Tx,
    organization: OrganizationId,
    id: %Pascal%Id,
    name: Option<&str>,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<%Pascal%>> {
    let now = tx.now();
    sqlx::query_as!(
        %Pascal%,
        r#"
        UPDATE %snakes%
        SET name = coalesce($4, name), updated_at = $5, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND ($3::bigint[] IS NULL OR version = ANY($3))
        RETURNING id AS "id: %Pascal%Id", name, created_by AS "created_by: UserId", created_at, updated_at, version
        "#,
        organization as OrganizationId,
        id as %Pascal%Id,
        versions,
        name,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Deletes the %words%, if its version is one of `versions` or `versions` is `None`. Returns whether it did.
pub async fn delete(
    tx: &mut Tx,
    organization: OrganizationId,
    id: %Pascal%Id,
    versions: Option<&[i64]>,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        DELETE FROM %snakes%
        WHERE organization_id = $1 AND id = $2 AND ($3::bigint[] IS NULL OR version = ANY($3))
        "#,
        organization as OrganizationId,
        id as %Pascal%Id,
        versions,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
