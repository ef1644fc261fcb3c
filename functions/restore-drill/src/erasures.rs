//! Erasures that were decided after the backup was made, carried out once more.

use chrono::{DateTime, Utc};
use shared::{
    backup::State,
    config::Setting,
    db::Db,
    erasure,
    erasure_ledger::{self, Entry},
    ids::{OrganizationId, UserId},
    job::Job,
    outside::storage::Bucket,
    store,
};

/// What came of it.
#[derive(Debug, Default)]
pub struct Replayed {
    /// How many users were erased again.
    pub users: usize,
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
    config.url = Setting::Plain(url.into());
    let db = Db::new(config, state.secrets.clone());
    let mut replayed = Replayed::default();
    for entry in since(state, moment).await? {
        for user in entry.users {
            if let Some(ownerless) = erase(&db, user, entry.erased_at, job).await? {
                tracing::info!(user.id = %user, "user erased again");
                replayed.users += 1;
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
        Ok(Some(erasure::erase_anyway(tx, &user, &job.request(), erased_at).await?))
    })
    .await
}
