//! The `mail_suppressions` table: addresses to which no mail is sent.
//!
//! Lock the user with the address first, if there is one: the user's version and cached profile change too.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{input::Email, mail_delivery::StopReason},
};

/// Stops mail to `address` because of a bounce or complaint that happened at `at`. Returns whether that changed anything.
///
/// An event that is delivered twice changes nothing, nor does one from before the stop was lifted. A complaint replaces a bounce; a
/// bounce does not replace a complaint.
pub async fn stop(tx: &mut Tx, address: &Email, reason: StopReason, at: DateTime<Utc>) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        INSERT INTO mail_suppressions AS s (address, reason, since)
        VALUES (lower($1), $2, $3)
        ON CONFLICT (address) DO UPDATE
        SET reason = excluded.reason, lifted_at = NULL,
            since = CASE WHEN s.lifted_at IS NULL THEN s.since ELSE excluded.since END
        WHERE s.lifted_at < excluded.since
           OR (s.lifted_at IS NULL AND s.reason = 'bounce' AND excluded.reason = 'complaint')
        "#,
        address.as_ref(),
        reason.as_str(),
        at,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Lets mail be sent to `address` again; with `only`, only if it was stopped for that reason. Returns whether that changed anything.
pub async fn lift(tx: &mut Tx, address: &str, only: Option<StopReason>) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE mail_suppressions
        SET lifted_at = $3
        WHERE address = lower($1) AND lifted_at IS NULL AND ($2::text IS NULL OR reason = $2)
        "#,
        address,
        only.map(StopReason::as_str),
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
