//! Users who were deleted long ago: erased as the register of personal data says.

use anyhow::Context;
use chrono::{DateTime, Utc};
use shared::{
    db::Tx,
    erasure, erasure_ledger,
    ids::UserId,
    store::users::{User, count_deleted, hold_deleted},
};
use uuid::Uuid;

use crate::{Cleaned, Run};

/// How many users one transaction erases at most: about a dozen statements each, far from its 10 s.
const AT_ONCE: u8 = 100;

/// Erases the users whose time is over, but for those under a legal hold.
pub(crate) async fn erase(run: &Run<'_>) -> anyhow::Result<Cleaned> {
    let until = run.until("users")?;
    let mut cleaned = Cleaned::nothing("users");
    let mut after = (DateTime::UNIX_EPOCH, UserId(Uuid::nil()));
    if run.goes_on() {
        let counted =
            run.state.db.transaction(async |tx| anyhow::Ok(count_deleted(tx, until).await?)).await?;
        cleaned.add(if run.dry { counted.due.unsigned_abs() } else { 0 }, counted.held.unsigned_abs());
        cleaned.complete = run.dry;
    }
    while !run.dry && run.goes_on() {
        let erased = run.state.db.transaction(async |tx| some(run, tx, &after, until).await).await?;
        cleaned.add(erased.len() as u64, 0);
        if let Some(last) = erased.last() {
            after = (last.deleted_at.unwrap_or(until), last.id);
        }
        if erased.len() < AT_ONCE.into() {
            cleaned.complete = true;
            break;
        }
    }
    cleaned.tell(run.dry, &run.job.id);
    Ok(cleaned)
}

/// Erases the first users after `after`, all or none: they are in the ledger before the first of them is touched.
async fn some(
    run: &Run<'_>,
    tx: &mut Tx,
    after: &(DateTime<Utc>, UserId),
    until: DateTime<Utc>,
) -> anyhow::Result<Vec<User>> {
    let users = hold_deleted(tx, after, AT_ONCE.into(), until).await?;
    if users.is_empty() {
        return Ok(users);
    }
    let ids: Vec<_> = users.iter().map(|user| user.id).collect();
    // Not when the run began: the ledger is compared with when backups began, and a run by hand may take hours.
    let now = run.state.clock.now();
    let noted = erasure_ledger::append(&run.state.ledger, &ids, now).await;
    noted.context("nobody was erased, because the ledger of erasures cannot be written")?;
    let request = run.job.request();
    for user in &users {
        for organization in erasure::erase_anyway(tx, user, &request, now).await? {
            tracing::warn!(organization.id = %organization, "an organization has no owner who can act");
        }
    }
    Ok(users)
}
