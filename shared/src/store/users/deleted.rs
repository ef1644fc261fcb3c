//! Statements of `retention` for deleted users.

use chrono::{DateTime, Utc};

use super::User;
use crate::{db::Tx, domain::ids::UserId};

/// The number of users whose period has passed and who are not erased yet.
pub struct Expired {
    /// Users who may be erased.
    pub due: i64,
    /// Users under a legal hold.
    pub held: i64,
}

/// Counts the users who were deleted at `until` or before and are not erased yet.
pub async fn count_deleted(tx: &mut Tx, until: DateTime<Utc>) -> sqlx::Result<Expired> {
    sqlx::query_as!(
        Expired,
        r#"
        SELECT count(*) FILTER (WHERE legal_hold_at IS NULL) AS "due!",
               count(*) FILTER (WHERE legal_hold_at IS NOT NULL) AS "held!"
        FROM users
        WHERE deleted_at <= $1 AND erased_at IS NULL
        "#,
        until,
    )
    .fetch_one(tx)
    .await
}

/// Loads and locks the next user to erase: the first after `after`, in the order of deletion, who was deleted at `until` or before,
/// is not erased yet and is not under a legal hold. Skips users that another transaction has locked.
pub async fn lock_deleted(
    tx: &mut Tx,
    after: &(DateTime<Utc>, UserId),
    until: DateTime<Utc>,
) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE deleted_at <= $3 AND erased_at IS NULL AND legal_hold_at IS NULL AND (deleted_at, id) > ($1, $2)
        ORDER BY deleted_at, id
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
        "#,
        after.0,
        after.1 as UserId,
        until,
    )
    .fetch_optional(tx)
    .await
}
