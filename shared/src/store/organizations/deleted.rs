//! Statements about deleted organizations.

use chrono::{DateTime, Utc};

use super::Organization;
use crate::{
    db::Tx,
    domain::{
        ids::{OrganizationId, UserId},
        page::PageQuery,
    },
};

/// Returns a page of the organizations that `user` owns and that were deleted after `since`.
pub async fn list_deleted(
    tx: &mut Tx,
    user: UserId,
    page: &PageQuery,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<Organization>> {
    page_of!(
        tx,
        page,
        Organization,
        r#"
        SELECT o.id AS "id: OrganizationId", o.name, o.slug, o.logo, o.billing_email, o.plan,
               o.personal_to AS "personal_to: UserId", o.created_at, o.updated_at, o.deleted_at, o.version,
               o.second_factor_from
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $3 AND m.role = 'owner' AND o.deleted_at > $4
        "#,
        "m.organization_id",
        user as UserId,
        since
    )
}

/// Loads and locks the organization `id`, deleted or not, until the transaction ends.
pub async fn lock_any(tx: &mut Tx, id: OrganizationId) -> sqlx::Result<Option<Organization>> {
    organizations!("SELECT", "FROM organizations WHERE id = $1 FOR NO KEY UPDATE", id as OrganizationId)
        .fetch_optional(tx)
        .await
}

/// Restores the deleted organization, if its version is one of `versions` or `versions` is `None`.
pub async fn restore(
    tx: &mut Tx,
    id: OrganizationId,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Organization>> {
    let now = tx.now();
    organizations!(
        r#"
        UPDATE organizations
        SET deleted_at = NULL, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NOT NULL AND ($2::bigint[] IS NULL OR version = ANY($2))
        RETURNING"#,
        "",
        id as OrganizationId,
        versions,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Restores the organizations of `user` that were deleted at `deleted_at`, together with the user. Returns them.
pub async fn restore_owned(
    tx: &mut Tx,
    user: UserId,
    deleted_at: DateTime<Utc>,
) -> sqlx::Result<Vec<OrganizationId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"
        UPDATE organizations
        SET deleted_at = NULL, updated_at = $3, version = version + 1
        WHERE id IN (
            SELECT o.id
            FROM members m JOIN organizations o ON o.id = m.organization_id
            WHERE m.user_id = $1 AND m.role = 'owner' AND o.deleted_at = $2
            ORDER BY o.id
            FOR NO KEY UPDATE OF o
        )
        RETURNING id AS "id: OrganizationId"
        "#,
        user as UserId,
        deleted_at,
        now,
    )
    .fetch_all(tx)
    .await
}

/// Builds a query of the organizations that were deleted at `$1` or before. Not those that were deleted together with an account
/// that can still be restored: they are purged when the account is erased.
macro_rules! expired {
    ($query:ident, $before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::$query!(
            $before + r#"
            FROM organizations o
            WHERE deleted_at <= $1
              AND NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
                              WHERE m.organization_id = o.id AND u.deleted_at = o.deleted_at AND u.erased_at IS NULL)
            "# + $after,
            $($argument)*
        )
    };
}

/// Counts the organizations that were deleted at `until` or before.
pub async fn count_expired(tx: &mut Tx, until: DateTime<Utc>) -> sqlx::Result<i64> {
    expired!(query_scalar, r#"SELECT count(*) AS "count!""#, "", until).fetch_one(tx).await
}

/// Locks the next organization to purge: the first after `after`, in the order of deletion, that was deleted at `until` or before.
/// Skips organizations that another transaction has locked. Returns its position.
pub async fn lock_expired(
    tx: &mut Tx,
    after: &(DateTime<Utc>, OrganizationId),
    until: DateTime<Utc>,
) -> sqlx::Result<Option<(DateTime<Utc>, OrganizationId)>> {
    let found = expired!(
        query,
        r#"SELECT deleted_at AS "deleted_at!", id AS "id: OrganizationId""#,
        "AND (deleted_at, id) > ($2, $3) ORDER BY deleted_at, id LIMIT 1 FOR UPDATE OF o SKIP LOCKED",
        until,
        after.0,
        after.1 as OrganizationId,
    )
    .fetch_optional(tx)
    .await?;
    Ok(found.map(|row| (row.deleted_at, row.id)))
}

/// Locks the organizations, deleted or not, whose only member is `user`, in the order of their ids. Returns them.
pub async fn lock_only_of(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<OrganizationId>> {
    sqlx::query_scalar!(
        r#"
        SELECT o.id AS "id: OrganizationId"
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $1
          AND NOT EXISTS (SELECT 1 FROM members r WHERE r.organization_id = m.organization_id AND r.user_id <> $1)
        ORDER BY o.id
        FOR UPDATE OF o
        "#,
        user as UserId,
    )
    .fetch_all(tx)
    .await
}

/// Deletes the row of a deleted organization, and with it all rows of the organization. Its audit events stay. Returns whether
/// it did.
pub async fn purge(tx: &mut Tx, id: OrganizationId) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "DELETE FROM organizations WHERE id = $1 AND deleted_at IS NOT NULL",
        id as OrganizationId
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
