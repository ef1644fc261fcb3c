//! Repeats the erasures that were decided after the backup was made.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    accounts::{
        erasure,
        erasure_ledger::{self, Entry},
    },
    aws::s3::Bucket,
    backup::State,
    config::Setting,
    db::Db,
    domain::ids::{OrganizationId, UserId},
    lambda::job::Job,
    store,
};

/// The result of the repeated erasures.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// How many users were erased again.
    pub erased_again: usize,
    /// The organizations left without an owner who can act: in this copy, ownership was not transferred yet.
    pub ownerless: Vec<OrganizationId>,
}

/// Reads the entries of the ledger since `moment`.
pub async fn since(state: &State, moment: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
    erasure_ledger::since(&Bucket::new(&state.config.storage.erasures, ""), moment).await
}

/// Erases, in the database at `url`, the users who were erased since `moment`.
pub async fn replay(state: &State, moment: DateTime<Utc>, url: &str, job: &Job) -> anyhow::Result<Replayed> {
    let mut config = state.config.database.clone();
    config.address = Setting::Plain(url.into()).into();
    // The TLS settings of the URL are enough, as for pg_restore: this is not the proxy.
    config.require_tls = false;
    let db = Db::new(config, state.secrets.clone(), None, Arc::clone(&state.clock));
    // Connects even if the ledger has no new entry, so that a failure is found in every drill.
    db.transaction_as(async |_| anyhow::Ok(())).await?;
    let mut replayed = Replayed::default();
    for entry in since(state, moment).await? {
        for user in entry.users {
            if let Some(ownerless) = erase(&db, user, entry.erased_at, job).await? {
                tracing::info!(user.id = %user, "user erased again");
                replayed.erased_again += 1;
                replayed.ownerless.extend(ownerless);
            }
        }
    }
    Ok(replayed)
}

/// Erases a user with the time of the first erasure, and returns the organizations left without an owner. Returns `None` if the
/// user does not exist, is erased already, or is under a later legal hold.
async fn erase(
    db: &Db,
    id: UserId,
    erased_at: DateTime<Utc>,
    job: &Job,
) -> anyhow::Result<Option<Vec<OrganizationId>>> {
    db.transaction_as(async |tx| {
        let user = store::users::lock(tx, id).await?.filter(|user| user.erased_at.is_none());
        let Some(user) = user else { return Ok(None) };
        if user.legal_hold_at.is_some_and(|held_at| held_at > erased_at) {
            // The ledger is written before the erasure, and this erasure failed: otherwise nobody could have placed the hold.
            tracing::warn!(user.id = %id, "user not erased again: held since");
            return Ok(None);
        }
        tx.set_now(erased_at);
        Ok(Some(erasure::erase_anyway(tx, &user, &job.request()).await?))
    })
    .await
}
