//! The `organizations` and `members` tables.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    ids::{OrganizationId, UserId},
};

/// Adds the space that is `user`'s own, with `user` as its owner.
pub async fn insert_personal(
    tx: &mut Tx,
    id: OrganizationId,
    user: UserId,
    name: &str,
    slug: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        WITH organization AS (
            INSERT INTO organizations (id, name, slug, personal_to, created_at, updated_at)
            VALUES ($1, $3, $4, $2, $5, $5)
            RETURNING id
        )
        INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
        SELECT id, $2, 'owner', $5, $5 FROM organization
        "#,
        id as OrganizationId,
        user as UserId,
        name,
        slug,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Marks the space that is `user`'s own as deleted.
pub async fn delete_personal(tx: &mut Tx, user: UserId, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE organizations
        SET deleted_at = $2, updated_at = $2, version = version + 1
        WHERE personal_to = $1 AND deleted_at IS NULL
        "#,
        user as UserId,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}
