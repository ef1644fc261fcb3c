//! Finds and deletes rows whose retention has ended, in batches along an index.
//!
//! First the end of a batch is looked up, then all rows in it are deleted, and the next batch begins after it. Selecting "any
//! 5,000 rows" each time would read the index entries of all rows that were deleted before.

use chrono::{DateTime, Utc};

use crate::db::Tx;

/// The end of a batch: the time at which its last row ended, and the id of that row.
pub type BatchEnd<Id> = (DateTime<Utc>, Id);

/// Consecutive rows in the index whose retention has ended.
pub struct Batch<Id> {
    pub rows: i64,
    /// The number of these rows that a legal hold keeps.
    pub held: i64,
    /// `None` if there are no rows.
    pub end: Option<BatchEnd<Id>>,
}

/// Defines the two statements for a table, from its name, its id and the id's type, and two SQL expressions: the time at which a row
/// ended, and whether a legal hold keeps it.
macro_rules! retention {
    ($(#[$doc:meta])* $module:ident, $table:tt, $id:tt as $type:ty, $ended:tt, $held:tt) => {
        $(#[$doc])*
        pub mod $module {
            use super::*;

            /// Returns the next batch: the first `limit` rows after `after` that ended at `until` or before.
            pub async fn next_batch(
                tx: &mut Tx,
                after: &BatchEnd<$type>,
                limit: i64,
                until: DateTime<Utc>,
            ) -> sqlx::Result<Batch<$type>> {
                // The aggregates get the rows in the order of the subquery (PostgreSQL manual, 9.21). Sorting again would take a
                // third longer.
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

            /// Deletes the rows after `after` up to `end`, except those that a legal hold keeps. Returns their number.
            pub async fn delete_batch(
                tx: &mut Tx,
                after: &BatchEnd<$type>,
                end: &BatchEnd<$type>,
            ) -> sqlx::Result<u64> {
                // With only the comparisons of pairs the planner would not see that the range is small.
                let removed = sqlx::query!(
                    "DELETE FROM " + $table + " t WHERE " + $ended + " >= $1 AND " + $ended + " <= $3 AND ("
                        + $ended + ", " + $id + ") > ($1, $2) AND (" + $ended + ", " + $id + ") <= ($3, $4) AND NOT ("
                        + $held + ")",
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

retention!(
    /// Sessions, by the first of revocation, expiry and last use.
    sessions,
    "sessions",
    "id" as uuid::Uuid,
    "least(revoked_at, expires_at, last_used_at)",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)"
);
retention!(
    /// Mailed tokens, by expiry.
    verification_tokens,
    "verification_tokens",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)"
);
retention!(
    /// Invitations, by expiry, answered or not.
    invitations,
    "invitations",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE lower(u.email) = lower(t.email) AND u.legal_hold_at IS NOT NULL)"
);
retention!(
    /// Stored responses, by expiry.
    idempotency_records,
    "idempotency_records",
    "key_hash" as Vec<u8>,
    "expires_at",
    // Stored under a hash, so no record belongs to a user.
    "false"
);
retention!(
    /// Audit events, by the time of the event.
    audit_events,
    "audit_events",
    "id" as uuid::Uuid,
    "occurred_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.actor_id AND u.legal_hold_at IS NOT NULL)
     OR EXISTS (SELECT 1 FROM users u WHERE u.id = t.target_id AND u.legal_hold_at IS NOT NULL)"
);
