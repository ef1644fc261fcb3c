//! Erasures that were decided after the backup was made, carried out once more.

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

/// What came of it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// How many users were erased again.
    pub erased_again: usize,
    /// The organizations that nobody owns who can act: in this copy ownership had not been handed over yet.
    pub ownerless: Vec<OrganizationId>,
}

/// What the ledger says since `moment`.
pub async fn since(state: &State, moment: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
    erasure_ledger::since(&Bucket::new(&state.config.storage.erasures, ""), moment).await
}

/// Erases in the database at `url` whoever was erased since `moment`.
pub async fn replay(state: &State, moment: DateTime<Utc>, url: &str, job: &Job) -> anyhow::Result<Replayed> {
    let mut config = state.config.database.clone();
    config.address = Setting::Plain(url.into()).into();
    // What the URL says about TLS is enough here, as for pg_restore: this is not the proxy.
    config.require_tls = false;
    let db = Db::new(config, state.secrets.clone(), None);
    // So that a ledger without a new entry, too, shows that there is a way.
    db.transaction(async |_| anyhow::Ok(())).await?;
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

/// Erases one; `None` if there is nobody to erase.
async fn erase(
    db: &Db,
    id: UserId,
    erased_at: DateTime<Utc>,
    job: &Job,
) -> anyhow::Result<Option<Vec<OrganizationId>>> {
    db.transaction(async |tx| {
        let user = store::users::hold(tx, id).await?.filter(|user| user.erased_at.is_none());
        let Some(user) = user else { return Ok(None) };
        if user.legal_hold_at.is_some_and(|held_at| held_at > erased_at) {
            // The ledger comes before the deed, and here the deed failed, or they would not be here to be held.
            tracing::warn!(user.id = %id, "user not erased again: held since");
            return Ok(None);
        }
        Ok(Some(erasure::erase_anyway(tx, &user, &job.request(), erased_at).await?))
    })
    .await
}
