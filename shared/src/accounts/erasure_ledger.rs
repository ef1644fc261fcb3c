//! The erasure ledger: the ids of erased users and the times, in S3. After the restore of an older backup it is replayed, so that
//! erased users stay erased.
//!
//! An entry is written before the erasure. If the transaction fails afterwards, the entry exists without an erasure; a replay
//! then completes it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{aws::s3::Bucket, domain::ids::UserId};

/// The allowed difference between the clocks of S3 and of the database.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

/// Users that are erased together. Only ids and times, which identify nobody after the erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    pub erased_at: DateTime<Utc>,
    pub users: Vec<UserId>,
}

/// Writes an entry for `users`. Call it before the erasure.
pub async fn append(ledger: &Bucket, users: &[UserId], now: DateTime<Utc>) -> anyhow::Result<()> {
    let entry = Entry { erased_at: now, users: users.to_vec() };
    ledger.put_new(&key(now, &Uuid::now_v7().to_string()), serde_json::to_vec(&entry)?).await?;
    Ok(())
}

/// Returns the entries written since `time` by the clock of S3, and those of [`MAX_CLOCK_SKEW`] before.
pub async fn since(ledger: &Bucket, time: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
    let (mut entries, since) = (Vec::new(), time - MAX_CLOCK_SKEW);
    let objects = ledger.list("", "").await?;
    for object in objects.iter().filter(|object| object.modified.is_none_or(|modified| modified >= since)) {
        let found = ledger.get(&object.key).await?;
        let text = found.ok_or_else(|| anyhow::anyhow!("the ledger entry {} is gone", object.key))?;
        let entry = serde_json::from_slice(&text);
        entries.push(
            entry.map_err(|error| {
                anyhow::anyhow!("the ledger entry {} cannot be read: {error}", object.key)
            })?,
        );
    }
    Ok(entries)
}

/// Returns a key that sorts by time.
fn key(time: DateTime<Utc>, name: &str) -> String {
    format!("{}-{name}", time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
