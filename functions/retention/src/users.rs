//! Users who were deleted long ago: erased as the register of personal data says.

use anyhow::Context;
use chrono::{DateTime, Utc};
use shared::{
    accounts::{erasure, erasure_ledger},
    db::Tx,
    domain::ids::UserId,
    error::is_outage,
    store::users::{Deleted, count_deleted, hold_deleted},
    telemetry,
};
use uuid::Uuid;

use crate::{Cleaned, Run};

/// So many users who cannot be erased are gone past; with more something is wrong that is not theirs.
const MOST_FAILURES: usize = 10;

/// Where a user stands in the order in which they were deleted.
type Place = (DateTime<Utc>, UserId);

/// Erases the users whose time is over, but for those under a legal hold. One who cannot be erased does not keep the others.
pub(crate) async fn erase(run: &Run<'_>) -> anyhow::Result<Cleaned> {
    let until = run.until("users")?;
    let mut cleaned = Cleaned::nothing("users");
    let mut failures = Vec::new();
    let mut after = (DateTime::UNIX_EPOCH, UserId(Uuid::nil()));
    if run.goes_on() {
        let counted = count(run, until).await?;
        cleaned.add(if run.dry { counted.due.unsigned_abs() } else { 0 }, counted.held.unsigned_abs());
        cleaned.complete = run.dry;
    }
    while !run.dry && run.goes_on() {
        let mut place = None;
        let erased =
            run.state.db.transaction(async |tx| next(run, tx, &after, until, &mut place).await).await;
        // A hundred values are all that is held between two times.
        telemetry::flush();
        match (erased, place) {
            (Ok(()), None) => {
                // Someone else may be at work on those that were left out.
                cleaned.complete = count(run, until).await?.due == 0;
                break;
            }
            (Ok(()), Some(place)) => {
                cleaned.add(1, 0);
                after = place;
            }
            (Err(error), Some(place)) if !is_outage(&error) && failures.len() < MOST_FAILURES => {
                tracing::error!(user.id = %place.1, error = format!("{error:#}"), "user not erased");
                failures.push(place.1);
                after = place;
            }
            (Err(error), _) => return Err(error),
        }
    }
    cleaned.tell(run.dry, &run.job.id);
    anyhow::ensure!(
        failures.is_empty(),
        "{} users were not erased; the log says which and why",
        failures.len()
    );
    Ok(cleaned)
}

async fn count(run: &Run<'_>, until: DateTime<Utc>) -> anyhow::Result<Deleted> {
    run.state.db.transaction(async |tx| Ok(count_deleted(tx, until).await?)).await
}

/// Erases the first user after `after`, and says in `place` who that is: they are in the ledger before they are touched.
async fn next(
    run: &Run<'_>,
    tx: &mut Tx,
    after: &Place,
    until: DateTime<Utc>,
    place: &mut Option<Place>,
) -> anyhow::Result<()> {
    let Some(user) = hold_deleted(tx, after, until).await? else { return Ok(()) };
    *place = Some((user.deleted_at.unwrap_or(until), user.id));
    // Not when the run began: the ledger is compared with when backups began, and a run by hand may take hours.
    let now = run.state.clock.now();
    let noted = erasure_ledger::append(&run.state.ledger, &[user.id], now).await;
    noted.context("not erased, because the ledger of erasures cannot be written")?;
    for organization in erasure::erase_anyway(tx, &user, &run.job.request(), now).await? {
        tracing::warn!(organization.id = %organization, "an organization has no owner who can act");
    }
    Ok(())
}
