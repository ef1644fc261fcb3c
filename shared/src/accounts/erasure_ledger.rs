//! The ledger of erasures: who was erased and when. It is in S3, so that the restore of an older backup cannot undo an erasure.
//!
//! An entry is written before anything is erased. If the transaction fails after that, there is an entry without an erasure. A
//! restore then completes it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{aws::s3::Bucket, domain::ids::UserId};

/// The largest difference between the clocks of S3 and of the database.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// One entry. It has only ids and times, so it identifies nobody after the erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    pub erased_at: DateTime<Utc>,
    pub users: Vec<UserId>,
}

/// Adds an entry: `users` are about to be erased.
pub async fn append(ledger: &Bucket, users: &[UserId], now: DateTime<Utc>) -> anyhow::Result<()> {
    let entry = Entry { erased_at: now, users: users.to_vec() };
    ledger.put_new(&key(now, &Uuid::now_v7().to_string()), serde_json::to_vec(&entry)?).await?;
    Ok(())
}

/// Returns the entries written since `moment` by the clock of S3, and those up to [`SKEW`] earlier.
pub async fn since(ledger: &Bucket, moment: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let objects = ledger.list("", "").await?;
    for object in objects.iter().filter(|object| object.modified.is_none_or(|time| time >= moment - SKEW)) {
        let found = ledger.get(&object.key).await?;
        let text = found.ok_or_else(|| anyhow::anyhow!("the entry {} is gone", object.key))?;
        let entry = serde_json::from_slice(&text);
        entries.push(entry.map_err(|error| anyhow::anyhow!("{} is not a valid entry: {error}", object.key))?);
    }
    Ok(entries)
}

/// Builds a key that sorts by time.
fn key(moment: DateTime<Utc>, name: &str) -> String {
    format!("{}-{name}", moment.to_rfc3339_opts(SecondsFormat::Micros, true))
}
