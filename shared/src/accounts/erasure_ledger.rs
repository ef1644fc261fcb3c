//! The erasure ledger: the ids of erased users and the times, in S3. After the restore of an older backup it is replayed, so that
//! erased users stay erased.
//!
//! `<time>-<uuid>` is an entry, written before the erasure. `<entry>.confirmed` or `<entry>.cancelled` is written after the
//! transaction and says whether it was committed. `ledger/<uuid>` is the identity of the ledger; a copy of the ledger contains
//! it too.

mod attempt;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{aws::s3::Bucket, backup::LedgerPosition, domain::ids::UserId};

pub use attempt::Attempt;

/// The allowed difference between the clocks of the functions and of the database.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);
/// The lifecycle of the bucket deletes older entries (`infra/data/backups.yaml`).
const ENTRY_RETENTION: TimeDelta = TimeDelta::days(465);
/// The prefix of identities. It sorts after every entry.
const IDENTITIES: &str = "ledger/";
const CONFIRMED: &str = ".confirmed";
const CANCELLED: &str = ".cancelled";
/// Concurrent requests.
const AT_ONCE: usize = 16;

/// Users that are erased together. Only ids and times, which identify nobody after the erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    pub erased_at: DateTime<Utc>,
    pub users: Vec<UserId>,
}

/// What the ledger knows about the transaction of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was committed.
    Confirmed,
    /// It was rolled back.
    Cancelled,
    /// The function ended before it could write the outcome, or the answer to COMMIT was lost.
    Unknown,
}

/// The ledger as it was listed. The content of an entry is read when it is needed.
pub struct Ledger<'a> {
    bucket: &'a Bucket,
    ids: BTreeSet<Uuid>,
    /// The keys and times of the entries.
    entries: BTreeMap<String, DateTime<Utc>>,
    outcomes: BTreeMap<String, Outcome>,
    /// An object that is neither an entry, nor an outcome, nor an identity.
    unknown: Option<String>,
}

/// Returns the position of the ledger, for the manifest of a backup. Gives a ledger without an identity one.
///
/// Call it before the snapshot: a newer entry may be missing in a copy of the ledger that is as old as the backup.
pub async fn position(bucket: &Bucket) -> anyhow::Result<LedgerPosition> {
    let mut ledger = Ledger::read(bucket).await?;
    if ledger.ids.is_empty() {
        let id = Uuid::now_v7();
        bucket.put_new(&format!("{IDENTITIES}{id}"), Vec::new()).await?;
        ledger.ids.insert(id);
    }
    let newest = ledger.entries.into_keys().next_back();
    Ok(LedgerPosition { ids: ledger.ids, newest })
}

/// Records that the erasure of `entry` was committed.
pub async fn confirm(bucket: &Bucket, entry: &str) -> anyhow::Result<()> {
    Ok(bucket.put_new(&format!("{entry}{CONFIRMED}"), Vec::new()).await?)
}

/// Copies the ledger `from` another bucket and returns the number of objects that were missing. The identities are copied last, so an
/// incomplete copy is not accepted by a restore.
pub async fn copy(from: &Bucket, to: &Bucket) -> anyhow::Result<usize> {
    let there: BTreeSet<_> = to.list("", "").await?.into_iter().map(|object| object.key).collect();
    let keys = from.list("", "").await?.into_iter().map(|object| object.key);
    let (identities, entries): (Vec<_>, Vec<_>) =
        keys.filter(|key| !there.contains(key)).partition(|key| key.starts_with(IDENTITIES));
    let copied = entries.len() + identities.len();
    for keys in [entries, identities] {
        let objects = keys.into_iter().map(async |key| {
            let body = from.get(&key).await?;
            let body = body.ok_or_else(|| anyhow::anyhow!("the ledger entry {key} is gone"))?;
            anyhow::Ok(to.put_new(&key, body).await?)
        });
        stream::iter(objects).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    }
    Ok(copied)
}

impl<'a> Ledger<'a> {
    /// Lists the ledger in `bucket`.
    pub async fn read(bucket: &'a Bucket) -> anyhow::Result<Self> {
        let keys = bucket.list("", "").await?.into_iter().map(|object| object.key);
        Ok(Self::new(bucket, keys))
    }

    fn new(bucket: &'a Bucket, keys: impl Iterator<Item = String>) -> Self {
        let mut ledger = Self {
            bucket,
            ids: BTreeSet::new(),
            entries: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            unknown: None,
        };
        for key in keys {
            let (entry, outcome) = split_outcome(&key);
            if let Some(id) = key.strip_prefix(IDENTITIES).and_then(|id| id.parse().ok()) {
                ledger.ids.insert(id);
            } else if let Some(time) = time_of(entry) {
                if outcome == Outcome::Unknown {
                    ledger.entries.insert(key, time);
                } else if ledger.outcome(entry) != Outcome::Confirmed {
                    // With both, the confirmation counts: a user must not come back.
                    ledger.outcomes.insert(entry.to_owned(), outcome);
                }
            } else {
                ledger.unknown = Some(key);
            }
        }
        ledger
    }

    fn outcome(&self, entry: &str) -> Outcome {
        self.outcomes.get(entry).copied().unwrap_or(Outcome::Unknown)
    }

    /// Fails if this is not the ledger of `backup`, or a copy of it that was made before the backup, or if entries since `taken_at`
    /// have expired.
    pub fn require(
        &self,
        backup: &str,
        position: &LedgerPosition,
        taken_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let missing: Vec<_> = position.ids.difference(&self.ids).map(Uuid::to_string).collect();
        anyhow::ensure!(
            missing.is_empty() && !position.ids.is_empty(),
            "ERASURE_BUCKET is not the ledger of {backup}: it has no {IDENTITIES}{}; copy the ledger with the backup, \
             see docs/operations/restore.md",
            missing.join(", ")
        );
        let oldest = now - ENTRY_RETENTION;
        if let Some(newest) = &position.newest {
            let is_expired = time_of(newest).is_some_and(|time| time < oldest);
            anyhow::ensure!(
                is_expired || self.entries.contains_key(newest),
                "ERASURE_BUCKET is an older copy of the ledger of {backup}: it has no entry {newest}; copy the ledger \
                 again, see docs/operations/restore.md"
            );
        }
        anyhow::ensure!(
            taken_at >= oldest,
            "{backup} is of {taken_at}, and the ledger has no entries before {oldest}: users erased in between would be restored"
        );
        Ok(())
    }

    /// Returns the first moment since which every entry is in the ledger; `None` if nothing is in it.
    #[must_use]
    pub fn begins_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let created = self.ids.iter().filter_map(|id| {
            let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
            DateTime::from_timestamp(seconds.try_into().ok()?, nanoseconds)
        });
        let first = created.chain(self.entries.values().copied()).min();
        first.map(|first| first.max(now - ENTRY_RETENTION))
    }

    /// Reads the entries that may belong to an erasure after `time`, oldest first, except cancelled ones.
    pub async fn since(&self, time: DateTime<Utc>) -> anyhow::Result<Vec<(String, Outcome, Entry)>> {
        if let Some(key) = &self.unknown {
            anyhow::bail!("the ledger object {key} has an unknown name");
        }
        let since = time - MAX_CLOCK_SKEW;
        self.contents(|written_at, outcome| written_at >= since && outcome != Outcome::Cancelled).await
    }

    /// Reads the entries without a known outcome whose transactions have ended.
    pub async fn unconfirmed(&self, now: DateTime<Utc>) -> anyhow::Result<Vec<(String, Entry)>> {
        let before = now - MAX_CLOCK_SKEW;
        let found =
            self.contents(|written_at, outcome| written_at < before && outcome == Outcome::Unknown).await?;
        Ok(found.into_iter().map(|(key, _, entry)| (key, entry)).collect())
    }

    async fn contents(
        &self,
        is_wanted: impl Fn(DateTime<Utc>, Outcome) -> bool,
    ) -> anyhow::Result<Vec<(String, Outcome, Entry)>> {
        let entries = self.entries.iter().map(|(key, time)| (key, *time, self.outcome(key)));
        let wanted = entries.filter(|(_, time, outcome)| is_wanted(*time, *outcome));
        let contents = wanted.map(async |(key, _, outcome)| {
            let text = self.bucket.get(key).await?;
            let text = text.ok_or_else(|| anyhow::anyhow!("the ledger entry {key} is gone"))?;
            let entry = serde_json::from_slice(&text)
                .map_err(|error| anyhow::anyhow!("the ledger entry {key} cannot be read: {error}"))?;
            anyhow::Ok((key.clone(), outcome, entry))
        });
        stream::iter(contents.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }
}

/// Returns the key of a new entry. It sorts by time.
fn new_key(time: DateTime<Utc>) -> String {
    format!("{}-{}", time.to_rfc3339_opts(SecondsFormat::Micros, true), Uuid::now_v7())
}

/// Returns the time in the key of an entry; `None` if it is not the key of one.
fn time_of(key: &str) -> Option<DateTime<Utc>> {
    let (time, name) = key.split_once("Z-")?;
    Uuid::parse_str(name).ok()?;
    Some(DateTime::parse_from_rfc3339(&format!("{time}Z")).ok()?.to_utc())
}

/// Returns the key of the entry that `key` is about.
fn split_outcome(key: &str) -> (&str, Outcome) {
    if let Some(entry) = key.strip_suffix(CONFIRMED) {
        (entry, Outcome::Confirmed)
    } else if let Some(entry) = key.strip_suffix(CANCELLED) {
        (entry, Outcome::Cancelled)
    } else {
        (key, Outcome::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-06-01T00:00:00Z";
    const ENTRY: &str = "2026-05-01T00:00:00.000000Z-019dde86-4000-7000-8000-000000000001";
    const ID: &str = "019d4a80-0000-7000-8000-000000000002";

    fn now() -> DateTime<Utc> {
        NOW.parse().expect("a time")
    }

    fn refusal(keys: &[&str], position: &LedgerPosition, taken_at: DateTime<Utc>) -> Option<String> {
        let bucket = Bucket::new("a-ledger", "");
        let ledger = Ledger::new(&bucket, keys.iter().map(|key| (*key).to_owned()));
        ledger.require("b", position, taken_at, now()).err().map(|error| error.to_string())
    }

    fn position(newest: &str) -> LedgerPosition {
        LedgerPosition { ids: BTreeSet::from([ID.parse().expect("an id")]), newest: Some(newest.to_owned()) }
    }

    #[test]
    fn only_the_ledger_of_a_backup_or_a_newer_copy_is_accepted() {
        let identity = format!("{IDENTITIES}{ID}");
        let day = now() - TimeDelta::days(1);
        assert_eq!(refusal(&[ENTRY, &identity], &position(ENTRY), day), None);
        let other = format!("{IDENTITIES}019d4a80-0000-7000-8000-000000000003");
        assert_eq!(
            refusal(&[ENTRY, &other, &identity], &position(ENTRY), day),
            None,
            "two ledgers in one bucket"
        );
        for (keys, reason) in [
            (vec![], "is not the ledger of b"),
            (vec![ENTRY], "is not the ledger of b"),
            (vec![ENTRY, &other], ID),
            (vec![&identity], "is an older copy"),
        ] {
            let error = refusal(&keys, &position(ENTRY), day).expect("refused");
            assert!(error.contains(reason), "{keys:?}: {error}");
        }
        let nameless = refusal(&[&identity], &LedgerPosition::default(), day).expect("refused");
        assert!(nameless.contains("is not the ledger"), "{nameless}");
    }

    #[test]
    fn backup_older_than_the_entries_is_refused_and_an_expired_entry_is_not_missed() {
        let identity = format!("{IDENTITIES}{ID}");
        let old = "2025-01-01T00:00:00.000000Z-019dde86-4000-7000-8000-000000000001";
        assert_eq!(refusal(&[&identity], &position(old), now() - TimeDelta::days(1)), None);
        let error = refusal(&[&identity], &position(old), now() - TimeDelta::days(466)).expect("refused");
        assert!(error.contains("would be restored"), "{error}");
    }

    #[test]
    fn confirmation_counts_more_than_a_cancellation_and_neither_is_an_entry() {
        let bucket = Bucket::new("a-ledger", "");
        let (confirmed, cancelled) = (format!("{ENTRY}{CONFIRMED}"), format!("{ENTRY}{CANCELLED}"));
        for (keys, outcome) in [
            (vec![ENTRY], Outcome::Unknown),
            (vec![ENTRY, &cancelled], Outcome::Cancelled),
            (vec![ENTRY, &confirmed], Outcome::Confirmed),
            (vec![ENTRY, &cancelled, &confirmed], Outcome::Confirmed),
            (vec![&confirmed, &cancelled, ENTRY], Outcome::Confirmed),
        ] {
            let ledger = Ledger::new(&bucket, keys.iter().map(|key| (*key).to_owned()));
            assert_eq!((ledger.outcome(ENTRY), ledger.entries.len()), (outcome, 1), "{keys:?}");
        }
        let alone = Ledger::new(&bucket, [confirmed].into_iter());
        assert!(alone.entries.is_empty() && alone.unknown.is_none(), "the entry has expired");
    }

    #[test]
    fn key_of_an_entry_tells_its_time() {
        assert_eq!(time_of(&new_key(now())), Some(now()));
        for other in [
            "",
            "lost+found",
            "2026-05-01T00:00:00Z",
            "2026-05-01T00:00:00Z-x",
            &format!("{ENTRY}{CONFIRMED}"),
        ] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }
}
