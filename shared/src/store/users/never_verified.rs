//! Statements of `retention` for users who have never verified their address.
//!
//! Not for deleted users, who are erased 30 days after the deletion. Not for system administrators, so that the job cannot remove the
//! last one.

use chrono::{DateTime, Utc};

use super::Expired;
use crate::{db::Tx, domain::ids::UserId};

/// Counts the users who were registered, or last restored, at `until` or before and have never verified their address.
pub async fn count_never_verified(tx: &mut Tx, until: DateTime<Utc>) -> sqlx::Result<Expired> {
    sqlx::query_as!(
        Expired,
        r#"
        SELECT count(*) FILTER (WHERE legal_hold_at IS NULL) AS "due!",
               count(*) FILTER (WHERE legal_hold_at IS NOT NULL) AS "held!"
        FROM users
        WHERE greatest(created_at, restored_at) <= $1 AND email_verified_at IS NULL AND deleted_at IS NULL
          AND NOT system_administrator
        "#,
        until,
    )
    .fetch_one(tx)
    .await
}

/// Locks the next user to erase: the first after `after`, in the order of registration or last restore, that
/// [`count_never_verified`] counts and that is not under a legal hold. Skips users that another transaction has locked. Returns the
/// user's position.
pub async fn lock_never_verified(
    tx: &mut Tx,
    after: &(DateTime<Utc>, UserId),
    until: DateTime<Utc>,
) -> sqlx::Result<Option<(DateTime<Utc>, UserId)>> {
    let found = sqlx::query!(
        r#"
        SELECT greatest(created_at, restored_at) AS "began_at!", id AS "id: UserId"
        FROM users
        WHERE greatest(created_at, restored_at) <= $3 AND email_verified_at IS NULL AND deleted_at IS NULL
          AND NOT system_administrator AND legal_hold_at IS NULL AND (greatest(created_at, restored_at), id) > ($1, $2)
        ORDER BY greatest(created_at, restored_at), id
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
        "#,
        after.0,
        after.1 as UserId,
        until,
    )
    .fetch_optional(tx)
    .await?;
    Ok(found.map(|row| (row.began_at, row.id)))
}
