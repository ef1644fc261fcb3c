//! Finds and removes expired rows, table by table, in batches.
//!
//! The rows of a batch follow each other in an index. The end of the batch is looked up first, then all rows up to it are removed,
//! and the next batch begins after it. A query for "any 5,000 rows" would read the index entries of all rows removed before.

use chrono::{DateTime, Utc};

use crate::db::Tx;

/// The position of a row in the index: when it ended, and its id.
pub type BatchEnd<Id> = (DateTime<Utc>, Id);

/// Expired rows that follow each other in the index.
pub struct Batch<Id> {
    pub rows: i64,
    /// The number of these rows that a legal hold keeps.
    pub held: i64,
    /// The position of the last row; `None` without rows.
    pub end: Option<BatchEnd<Id>>,
}

/// The two statements of a table. `$id` is its key, `$ended` when a row ended, and `$held` whether a legal hold keeps it. `$lock`
/// skips rows that another transaction changes: `retention` locks rows without their owners, so it must not wait for one.
macro_rules! past {
    ($(#[$doc:meta])* $module:ident, $table:tt, $id:tt as $type:ty, $ended:tt, $held:tt, $lock:tt) => {
        $(#[$doc])*
        pub mod $module {
            use super::*;

            /// Finds the first `limit` rows after `after` that ended at `until` or before.
            pub async fn find(
                tx: &mut Tx,
                after: &BatchEnd<$type>,
                limit: i64,
                until: DateTime<Utc>,
            ) -> sqlx::Result<Batch<$type>> {
                // The aggregates read the rows in the order of the subquery (PostgreSQL manual, 9.21): sorting again costs a third.
                let found = sqlx::query!(
                    r#"SELECT count(*) AS "rows!", count(*) FILTER (WHERE held) AS "held!", max(ended) AS ended,
                              (array_agg(id))[count(*)] AS id
                       FROM (SELECT "# + $ended + " AS ended, " + $id + " AS id, " + $held + " AS held FROM " + $table + " t WHERE "
                         + $ended + " <= $4 AND " + $ended + " >= $1 AND (" + $ended + ", " + $id + ") > ($1, $2) ORDER BY "
                         + $ended + ", " + $id + " LIMIT $3) AS stretch",
                    after.0,
                    after.1,
                    limit,
                    until,
                )
                .fetch_one(tx)
                .await?;
                Ok(Batch { rows: found.rows, held: found.held, end: found.ended.zip(found.id) })
            }

            /// Removes the rows after `after` up to `end`, except those that a legal hold keeps or another transaction changes.
            pub async fn remove(
                tx: &mut Tx,
                after: &BatchEnd<$type>,
                end: &BatchEnd<$type>,
            ) -> sqlx::Result<u64> {
                // With the bounds as pairs only, the planner would not see that few rows are between them.
                let removed = sqlx::query!(
                    "DELETE FROM " + $table + " WHERE " + $id + " = ANY (ARRAY(SELECT " + $id + " FROM " + $table + " t WHERE "
                        + $ended + " >= $1 AND " + $ended + " <= $3 AND (" + $ended + ", " + $id + ") > ($1, $2) AND ("
                        + $ended + ", " + $id + ") <= ($3, $4) AND NOT (" + $held + ") " + $lock + "))",
                    after.0,
                    after.1,
                    end.0,
                    end.1,
                )
                .execute(tx)
                .await?;
                Ok(removed.rows_affected())
            }
        }
    };
}

past!(
    /// Sessions that were revoked or expired, or are no longer used.
    sessions,
    "sessions",
    "id" as uuid::Uuid,
    "least(revoked_at, expires_at, last_used_at)",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Expired tokens that were mailed.
    verification_tokens,
    "verification_tokens",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Expired sign-ins with identity providers.
    oauth_flows,
    "oauth_flows",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Expired ceremonies with passkeys.
    passkey_ceremonies,
    "passkey_ceremonies",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Sign-ins that waited too long for the second factor.
    sign_in_challenges,
    "sign_in_challenges",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Expired invitations, whatever their status.
    invitations,
    "invitations",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE lower(u.email) = lower(t.email) AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Expired responses to idempotent requests.
    idempotency_records,
    "idempotency_records",
    "key_hash" as Vec<u8>,
    "expires_at",
    // The key is a hash, so no row leads to a user.
    "false",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Addresses to which no mail is sent, by the time of the bounce or the complaint.
    mail_suppressions,
    "mail_suppressions",
    "address" as String,
    "since",
    "EXISTS (SELECT 1 FROM users u WHERE lower(u.email) = t.address AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Audit events, by the time at which they were written.
    audit_events,
    "audit_events",
    "id" as uuid::Uuid,
    "occurred_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.actor_id AND u.legal_hold_at IS NOT NULL)
     OR EXISTS (SELECT 1 FROM users u WHERE u.id = t.target_id AND u.legal_hold_at IS NOT NULL)",
    // No other code locks events, and the role of `retention` may not change them, which a lock would need.
    ""
);
past!(
    /// Deleted artifacts. Their content was removed at the deletion.
    artifacts,
    "artifacts",
    "id" as uuid::Uuid,
    "deleted_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.created_by AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
past!(
    /// Conversations, by the time of their last message. Their messages go with them.
    conversations,
    "conversations",
    "id" as uuid::Uuid,
    "last_message_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.created_by AND u.legal_hold_at IS NOT NULL)",
    "FOR UPDATE OF t SKIP LOCKED"
);
