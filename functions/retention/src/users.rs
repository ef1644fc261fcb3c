//! Erases users whose period has passed: who were deleted long ago, as the register of personal data says, and who have never verified
//! their address.

use anyhow::Context;
use chrono::{DateTime, Utc};
use shared::{
    accounts::{erasure, erasure_ledger::Attempt},
    db::Tx,
    domain::ids::UserId,
    store::users::{self, Expired},
};
use uuid::Uuid;

use crate::{
    Cleaned, Run,
    one_by_one::{Outcome, Position, each},
};

/// The reason for which users are erased.
#[derive(Clone, Copy)]
pub(crate) enum Group {
    Deleted,
    NeverVerified,
}

impl Group {
    /// Returns the name in the report.
    const fn name(self) -> &'static str {
        match self {
            Self::Deleted => "users",
            Self::NeverVerified => "never_verified_users",
        }
    }

    async fn count(self, tx: &mut Tx, until: DateTime<Utc>) -> sqlx::Result<Expired> {
        match self {
            Self::Deleted => users::count_deleted(tx, until).await,
            Self::NeverVerified => users::count_never_verified(tx, until).await,
        }
    }

    /// Locks the next user to erase, and returns the position.
    async fn lock(
        self,
        tx: &mut Tx,
        after: &Position<UserId>,
        until: DateTime<Utc>,
    ) -> sqlx::Result<Option<Position<UserId>>> {
        match self {
            Self::Deleted => {
                let user = users::lock_deleted(tx, after, until).await?;
                Ok(user.map(|user| (user.deleted_at.unwrap_or(until), user.id)))
            }
            Self::NeverVerified => users::lock_never_verified(tx, after, until).await,
        }
    }
}

/// Erases the users of `group` whose period has passed, except those under a legal hold. A user who cannot be erased does not stop the
/// rest.
pub(crate) async fn erase(run: &Run<'_>, group: Group) -> anyhow::Result<Cleaned> {
    let until = run.until("users")?;
    let (mut cleaned, mut done) = (Cleaned::nothing(group.name()), Ok(()));
    if run.has_time() {
        let counted = count(run, group, until).await?;
        cleaned.add(if run.dry { counted.due.unsigned_abs() } else { 0 }, counted.held.unsigned_abs());
        cleaned.complete = run.dry;
    }
    if !run.dry {
        let step = async |after: &Position<UserId>| {
            let mut position = None;
            let attempt = Attempt::new(&run.state.ledger);
            let erased = run
                .state
                .db
                .transaction_as(async |tx| {
                    erase_next(run, group, tx, after, until, &attempt, &mut position).await
                })
                .await;
            attempt.finish(erased.is_ok()).await;
            (erased, position)
        };
        let finished = each(run, &mut cleaned, UserId(Uuid::nil()), step).await;
        // Locked users were skipped: another transaction may be erasing them.
        cleaned.complete = matches!(finished, Ok(true)) && count(run, group, until).await?.due == 0;
        done = finished.map(drop);
    }
    cleaned.log(run.dry, &run.job.id);
    done.map(|()| cleaned)
}

async fn count(run: &Run<'_>, group: Group, until: DateTime<Utc>) -> anyhow::Result<Expired> {
    run.state.db.transaction_as(async |tx| Ok(group.count(tx, until).await?)).await
}

/// Erases the first user after `after` and sets `position` to it. The user is in the ledger before anything is erased.
async fn erase_next(
    run: &Run<'_>,
    group: Group,
    tx: &mut Tx,
    after: &Position<UserId>,
    until: DateTime<Utc>,
    attempt: &Attempt<'_>,
    position: &mut Option<Position<UserId>>,
) -> anyhow::Result<Outcome> {
    *position = group.lock(tx, after, until).await?;
    let Some((_, id)) = *position else { return Ok(Outcome::Removed) };
    let user = users::find_any(tx, id).await?.context("the locked user is gone")?;
    // Not the time at which the run began: a run by hand may take hours, and a restore compares the time with that of legal holds.
    let appended = attempt.append(&[user.id], tx.now()).await;
    appended.context("not erased, because the ledger of erasures cannot be written")?;
    for organization in erasure::erase_anyway(tx, &user, &run.job.request()).await? {
        tracing::warn!(organization.id = %organization, "an organization has no owner who can act");
    }
    attempt.set_done();
    Ok(Outcome::Removed)
}
