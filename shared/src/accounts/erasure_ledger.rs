//! The ledger of erasures: who was erased and when, kept in S3 so that restoring an older backup cannot bring them back.
//!
//! An entry is written before anything is destroyed. So an entry without an erasure is possible, when the transaction fails
//! afterwards; replaying it completes what had been decided.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{aws::s3::Bucket, domain::ids::UserId};

/// How far apart the clocks of S3 and of the database may be.
const SKEW: TimeDelta = TimeDelta::hours(1);

/// What was decided at once. Ids and times, nothing else: they lead to nobody any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// When.
    pub erased_at: DateTime<Utc>,
    /// Who.
    pub users: Vec<UserId>,
}

/// Notes that `users` are about to be erased.
pub async fn append(ledger: &Bucket, users: &[UserId], now: DateTime<Utc>) -> anyhow::Result<()> {
    let entry = Entry { erased_at: now, users: users.to_vec() };
    ledger.put_new(&key(now, &Uuid::now_v7().to_string()), serde_json::to_vec(&entry)?).await?;
    Ok(())
}

/// What was noted since `moment`, by the clock of S3; and a little more.
pub async fn since(ledger: &Bucket, moment: DateTime<Utc>) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let objects = ledger.list("", "").await?;
    for object in objects.iter().filter(|object| object.modified.is_none_or(|time| time >= moment - SKEW)) {
        let found = ledger.get(&object.key).await?;
        let text = found.ok_or_else(|| anyhow::anyhow!("the entry {} is gone", object.key))?;
        let entry = serde_json::from_slice(&text);
        entries.push(entry.map_err(|error| anyhow::anyhow!("{} is not an entry: {error}", object.key))?);
    }
    Ok(entries)
}

/// Sorts by time.
fn key(moment: DateTime<Utc>, name: &str) -> String {
    format!("{}-{name}", moment.to_rfc3339_opts(SecondsFormat::Micros, true))
}
