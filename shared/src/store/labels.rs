//! The `labels` table.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        ids::{LabelId, OrganizationId},
        page::PageQuery,
    },
};

/// A row of `labels`.
#[derive(Debug, Clone)]
pub struct Label {
    pub id: LabelId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// Inserts a label. `None` if the organization has one with this name, in upper or lower case.
pub async fn insert(tx: &mut Tx, organization: OrganizationId, name: &str) -> sqlx::Result<Option<Label>> {
    let now = tx.now();
    sqlx::query_as!(
        Label,
        r#"
        INSERT INTO labels (id, organization_id, name, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (organization_id, lower(name)) DO NOTHING
        RETURNING id AS "id: LabelId", name, created_at, updated_at, version
        "#,
        LabelId::new() as LabelId,
        organization as OrganizationId,
        name,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Returns the label `id` of the organization.
pub async fn find(tx: &mut Tx, organization: OrganizationId, id: LabelId) -> sqlx::Result<Option<Label>> {
    sqlx::query_as!(
        Label,
        r#"
        SELECT id AS "id: LabelId", name, created_at, updated_at, version
        FROM labels
        WHERE organization_id = $1 AND id = $2
        "#,
        organization as OrganizationId,
        id as LabelId,
    )
    .fetch_optional(tx)
    .await
}

/// Returns a page of the organization's labels.
pub async fn list(tx: &mut Tx, organization: OrganizationId, page: &PageQuery) -> sqlx::Result<Vec<Label>> {
    page_of!(
        tx,
        page,
        Label,
        r#"
        SELECT id AS "id: LabelId", name, created_at, updated_at, version
        FROM labels
        WHERE organization_id = $3
        "#,
        "id",
        organization as OrganizationId
    )
}

/// Returns whether another label of the organization than `id` has this name, in upper or lower case.
pub async fn has_name(
    tx: &mut Tx,
    organization: OrganizationId,
    id: LabelId,
    name: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT 1 FROM labels WHERE organization_id = $1 AND lower(name) = lower($3) AND id <> $2
        ) AS "exists!"
        "#,
        organization as OrganizationId,
        id as LabelId,
        name,
    )
    .fetch_one(tx)
    .await
}

/// Changes the label, if its version is one of `versions` or `versions` is `None`.
pub async fn update(
    tx: &mut Tx,
    organization: OrganizationId,
    id: LabelId,
    name: Option<&str>,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Label>> {
    let now = tx.now();
    sqlx::query_as!(
        Label,
        r#"
        UPDATE labels
        SET name = coalesce($4, name), updated_at = $5, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND ($3::bigint[] IS NULL OR version = ANY($3))
        RETURNING id AS "id: LabelId", name, created_at, updated_at, version
        "#,
        organization as OrganizationId,
        id as LabelId,
        versions,
        name,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Deletes the label, if its version is one of `versions` or `versions` is `None`. Its artifacts lose it. Returns whether it did.
pub async fn delete(
    tx: &mut Tx,
    organization: OrganizationId,
    id: LabelId,
    versions: Option<&[i64]>,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        DELETE FROM labels
        WHERE organization_id = $1 AND id = $2 AND ($3::bigint[] IS NULL OR version = ANY($3))
        "#,
        organization as OrganizationId,
        id as LabelId,
        versions,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
