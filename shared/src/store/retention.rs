//! What is past its time, table by table: which rows, found and removed in stretches of an index.
//!
//! The end of a stretch is looked up first, then everything in it is removed, and the next one begins behind it. Asking for
//! "any 5,000" each time would read the index entries of all that were removed before.

use chrono::{DateTime, Utc};

use crate::db::Tx;

/// A place in an index: when a row ended, and its id.
pub type Place<Id> = (DateTime<Utc>, Id);

/// Rows past their time that follow each other in the index.
pub struct Stretch<Id> {
    /// How many.
    pub rows: i64,
    /// How many of them a legal hold keeps.
    pub held: i64,
    /// Where the last of them is, if there is any.
    pub end: Option<Place<Id>>,
}

/// The two questions about a table: its name, its id and that one's type, when a row ended, and whether a legal hold keeps it.
macro_rules! past {
    ($(#[$doc:meta])* $module:ident, $table:tt, $id:tt as $type:ty, $ended:tt, $held:tt) => {
        $(#[$doc])*
        pub mod $module {
            use super::*;

            /// The first `limit` rows after `after` that ended at `until` or before.
            pub async fn stretch(
                tx: &mut Tx,
                after: &Place<$type>,
                limit: i64,
                until: DateTime<Utc>,
            ) -> sqlx::Result<Stretch<$type>> {
                // The aggregates see the rows as the subquery ordered them (PostgreSQL manual, 9.21): sorting again costs a third.
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
                Ok(Stretch { rows: found.rows, held: found.held, end: found.ended.zip(found.id) })
            }

            /// Removes the rows after `after` up to `end`, but for what a legal hold keeps.
            pub async fn remove(
                tx: &mut Tx,
                after: &Place<$type>,
                end: &Place<$type>,
            ) -> sqlx::Result<u64> {
                // Of the two bounds as pairs alone the planner would not see that they enclose little.
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

past!(
    /// Sessions that ended, or that nobody used any more.
    sessions,
    "sessions",
    "id" as uuid::Uuid,
    "least(revoked_at, expires_at, last_used_at)",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)"
);
past!(
    /// Mailed secrets that cannot be used any more.
    verification_tokens,
    "verification_tokens",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)"
);
past!(
    /// Invitations whose time to be answered is over, whatever became of them.
    invitations,
    "invitations",
    "id" as uuid::Uuid,
    "expires_at",
    "EXISTS (SELECT 1 FROM users u WHERE lower(u.email) = lower(t.email) AND u.legal_hold_at IS NOT NULL)"
);
past!(
    /// Answers that are not given again.
    idempotency_records,
    "idempotency_records",
    "key_hash" as Vec<u8>,
    "expires_at",
    // Under a hash: nobody's.
    "false"
);
past!(
    /// Lines of the audit log, from when they were written.
    audit_events,
    "audit_events",
    "id" as uuid::Uuid,
    "occurred_at",
    "EXISTS (SELECT 1 FROM users u WHERE u.id = t.actor_id AND u.legal_hold_at IS NOT NULL)
     OR EXISTS (SELECT 1 FROM users u WHERE u.id = t.target_id AND u.legal_hold_at IS NOT NULL)"
);
