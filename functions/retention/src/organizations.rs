//! Purges organizations that were deleted long ago, as the register of personal data says.

use chrono::{DateTime, Utc};
use shared::{
    accounts::erasure,
    db::Tx,
    domain::{
        audit::{Action, Event},
        ids::OrganizationId,
    },
    store,
};
use uuid::Uuid;

use crate::{
    Cleaned, Run,
    one_by_one::{Outcome, Position, each},
};

/// Purges the organizations whose period has passed, except those with a row of a user under a legal hold.
pub(crate) async fn purge(run: &Run<'_>) -> anyhow::Result<Cleaned> {
    let until = run.until("organizations")?;
    let mut cleaned = Cleaned::nothing("organizations");
    let step = async |after: &Position<OrganizationId>| {
        let mut position = None;
        let purge = async |tx: &mut Tx| purge_next(run, tx, after, until, &mut position).await;
        let purged = run.state.db.transaction_as(purge).await;
        (purged, position)
    };
    let finished = each(run, &mut cleaned, OrganizationId(Uuid::nil()), step).await;
    if matches!(finished, Ok(true)) {
        // Locked organizations were skipped: another transaction may be purging them.
        cleaned.complete = run.dry || count(run, until).await? == cleaned.held;
    }
    cleaned.log(run.dry, &run.job.id);
    finished.map(|_| cleaned)
}

async fn count(run: &Run<'_>, until: DateTime<Utc>) -> anyhow::Result<u64> {
    let count = async |tx: &mut Tx| anyhow::Ok(store::organizations::count_expired(tx, until).await?);
    Ok(run.state.db.transaction_as(count).await?.unsigned_abs())
}

/// Purges the first organization after `after` and sets `position` to it.
async fn purge_next(
    run: &Run<'_>,
    tx: &mut Tx,
    after: &Position<OrganizationId>,
    until: DateTime<Utc>,
    position: &mut Option<Position<OrganizationId>>,
) -> anyhow::Result<Outcome> {
    *position = store::organizations::lock_expired(tx, after, until).await?;
    let Some((_, id)) = *position else { return Ok(Outcome::Removed) };
    if store::personal_data::is_held(tx, id, None).await? {
        return Ok(Outcome::Held);
    }
    if !run.dry {
        let request = run.job.request();
        erasure::purge(tx, id, &Event::anonymous(Action::OrganizationPurged, &request)).await?;
    }
    Ok(Outcome::Removed)
}
