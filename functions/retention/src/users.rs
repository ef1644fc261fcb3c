//! Erases users who were deleted long ago, as the register of personal data says.

use anyhow::Context;
use chrono::{DateTime, Utc};
use shared::{
    accounts::{erasure, erasure_ledger},
    db::Tx,
    domain::ids::UserId,
    error::{is_outage, is_time_limit},
    store::users::{Deleted, count_deleted, lock_deleted},
    telemetry,
};
use uuid::Uuid;

use crate::{Cleaned, Run};

/// A run skips so many users who cannot be erased. With more the cause is probably not the users, and the run fails.
const MAX_FAILURES: usize = 10;

/// The position of a user in the order of deletion.
type Position = (DateTime<Utc>, UserId);

/// Erases the users whose period has passed, except those under a legal hold. A user who cannot be erased does not stop the rest.
pub(crate) async fn erase(run: &Run<'_>) -> anyhow::Result<Cleaned> {
    let until = run.until("users")?;
    let mut cleaned = Cleaned::nothing("users");
    let mut failures = Vec::new();
    let mut after = (DateTime::UNIX_EPOCH, UserId(Uuid::nil()));
    if run.has_time() {
        let counted = count(run, until).await?;
        cleaned.add(if run.dry { counted.due.unsigned_abs() } else { 0 }, counted.held.unsigned_abs());
        cleaned.complete = run.dry;
    }
    while !run.dry && run.has_time() {
        let mut position = None;
        let erased = run
            .state
            .db
            .transaction_as(async |tx| erase_next(run, tx, &after, until, &mut position).await)
            .await;
        // At most a hundred values are kept between two flushes.
        telemetry::flush();
        match (erased, position) {
            (Ok(()), None) => {
                // Locked users were skipped: another transaction may be erasing them.
                cleaned.complete = count(run, until).await?.due == 0;
                break;
            }
            (Ok(()), Some(position)) => {
                cleaned.add(1, 0);
                after = position;
            }
            (Err(error), Some(position)) if concerns_one_user(&error) && failures.len() < MAX_FAILURES => {
                tracing::error!(user.id = %position.1, error = format!("{error:#}"), "user not erased");
                failures.push(position.1);
                after = position;
            }
            (Err(error), _) => return Err(error),
        }
    }
    cleaned.log(run.dry, &run.job.id);
    anyhow::ensure!(
        failures.is_empty(),
        "{} users were not erased; the log says which and why",
        failures.len()
    );
    Ok(cleaned)
}

/// Checks whether the erasure of another user may still succeed. A time limit was reached because of this user's rows.
fn concerns_one_user(error: &anyhow::Error) -> bool {
    !is_outage(error) || is_time_limit(error)
}

async fn count(run: &Run<'_>, until: DateTime<Utc>) -> anyhow::Result<Deleted> {
    run.state.db.transaction_as(async |tx| Ok(count_deleted(tx, until).await?)).await
}

/// Erases the first user after `after` and sets `position` to it. The user is in the ledger before anything is erased.
async fn erase_next(
    run: &Run<'_>,
    tx: &mut Tx,
    after: &Position,
    until: DateTime<Utc>,
    position: &mut Option<Position>,
) -> anyhow::Result<()> {
    let Some(user) = lock_deleted(tx, after, until).await? else { return Ok(()) };
    *position = Some((user.deleted_at.unwrap_or(until), user.id));
    // Not the time at which the run began: a run by hand may take hours, and a restore compares the time with that of legal holds.
    let appended = erasure_ledger::append(&run.state.ledger, &[user.id], tx.now()).await;
    appended.context("not erased, because the ledger of erasures cannot be written")?;
    for organization in erasure::erase_anyway(tx, &user, &run.job.request()).await? {
        tracing::warn!(organization.id = %organization, "an organization has no owner who can act");
    }
    Ok(())
}
