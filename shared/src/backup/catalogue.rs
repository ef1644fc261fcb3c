//! The list of all backups.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use metrics::histogram;
use serde::Serialize;

use super::{Manifest, dump_key, manifest_key, verified_key};
use crate::aws::s3::Bucket;

/// The format of the time in an id.
pub(super) const TIME_FORMAT: &str = "%Y-%m-%dT%H-%M-%S%.3fZ";
const RETENTION: TimeDelta = TimeDelta::days(30);
/// The retention of an unfinished backup. No run takes this long.
const UNFINISHED_RETENTION: TimeDelta = TimeDelta::days(1);
/// The number of verified backups that are kept whatever their age.
const MIN_VERIFIED_KEPT: usize = 3;

/// A backup, complete or unfinished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    pub id: String,
    pub begun_at: DateTime<Utc>,
    /// The size of the archive in bytes.
    pub size: u64,
    /// Whether it has a manifest.
    pub complete: bool,
    /// Whether it was restored successfully.
    pub verified: bool,
}

/// The backups in a bucket, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Catalogue(pub Vec<Backup>);

impl Catalogue {
    /// Reads the backups from the listing of the bucket.
    pub async fn read(bucket: &Bucket) -> anyhow::Result<Self> {
        let mut found = BTreeMap::<String, Backup>::new();
        for object in bucket.list("", "").await? {
            let Some((id, _)) = object.key.split_once('/') else { continue };
            let Some(begun_at) = parse_begun_at(id) else { continue };
            let backup = found.entry(id.to_owned()).or_insert_with(|| Backup {
                id: id.to_owned(),
                begun_at,
                size: 0,
                complete: false,
                verified: false,
            });
            match object.key.as_str() {
                key if key == dump_key(id) => backup.size = object.size,
                key if key == manifest_key(id) => backup.complete = true,
                key if key == verified_key(id) => backup.verified = true,
                _ => {}
            }
        }
        Ok(Self(found.into_values().collect()))
    }

    /// Returns the newest complete backup.
    #[must_use]
    pub fn newest(&self) -> Option<&Backup> {
        self.0.iter().rfind(|backup| backup.complete)
    }

    /// Returns the newest verified backup.
    #[must_use]
    pub fn newest_verified(&self) -> Option<&Backup> {
        self.0.iter().rfind(|backup| backup.complete && backup.verified)
    }

    /// Returns the manifest of the backup `id`, or of the newest one.
    pub async fn manifest(&self, bucket: &Bucket, id: Option<&str>) -> anyhow::Result<Manifest> {
        let backup = match id {
            Some(id) => self.0.iter().find(|backup| backup.complete && backup.id == id),
            None => self.newest(),
        };
        let Some(backup) = backup else {
            anyhow::bail!("there is no backup{}", id.map(|id| format!(" {id}")).unwrap_or_default());
        };
        let text = bucket.get(&manifest_key(&backup.id)).await?;
        Manifest::read(
            &backup.id,
            &text.ok_or_else(|| anyhow::anyhow!("the manifest of {} is gone", backup.id))?,
        )
    }

    /// Deletes backups after their retention, and returns their ids. Keeps the newest backup and the newest verified ones.
    pub async fn prune(&self, bucket: &Bucket, now: DateTime<Utc>) -> anyhow::Result<Vec<String>> {
        let old = self.outdated(now);
        // The manifest first: without it there is no backup, so that no backup with missing parts counts as complete.
        for key in [manifest_key, verified_key, dump_key] {
            bucket.delete(&old.iter().map(|id| key(id)).collect::<Vec<_>>()).await?;
        }
        Ok(old)
    }

    fn outdated(&self, now: DateTime<Utc>) -> Vec<String> {
        let verified = self.0.iter().rev().filter(|backup| backup.complete && backup.verified);
        let kept: Vec<_> =
            verified.take(MIN_VERIFIED_KEPT).chain(self.newest()).map(|backup| &backup.id).collect();
        let outdated = self.0.iter().filter(|backup| {
            let retention = if backup.complete { RETENTION } else { UNFINISHED_RETENTION };
            now - backup.begun_at >= retention && !kept.contains(&&backup.id)
        });
        outdated.map(|backup| backup.id.clone()).collect()
    }

    /// Records the ages of the newest backup and the newest verified one. Without a backup there is no value, and the alarms treat
    /// missing data as breaching.
    pub fn measure(&self, now: DateTime<Utc>) {
        #[expect(clippy::cast_precision_loss, reason = "seconds of an age")]
        let age = |backup: &Backup| (now - backup.begun_at).num_seconds() as f64;
        if let Some(backup) = self.newest() {
            histogram!("LastBackupAge").record(age(backup));
        }
        if let Some(backup) = self.newest_verified() {
            histogram!("LastVerifiedBackupAge").record(age(backup));
        }
    }
}

fn parse_begun_at(id: &str) -> Option<DateTime<Utc>> {
    let (time, _) = id.rsplit_once('-')?;
    Some(NaiveDateTime::parse_from_str(time, TIME_FORMAT).ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(day: u32, complete: bool, verified: bool) -> Backup {
        let id = format!("2026-01-{day:02}T00-00-00.000Z-00000000");
        Backup { begun_at: parse_begun_at(&id).expect("a time"), id, size: 1, complete, verified }
    }

    fn days(backups: &[String]) -> Vec<&str> {
        backups.iter().map(|id| &id[8..10]).collect()
    }

    #[test]
    fn what_is_older_than_thirty_days_goes() {
        let now = parse_begun_at("2026-01-31T00-00-00.000Z-0").expect("a time");
        let catalogue = Catalogue((1..=30).map(|day| backup(day, true, false)).collect());
        assert_eq!(days(&catalogue.outdated(now)), ["01"]);
        assert_eq!(days(&catalogue.outdated(now - TimeDelta::seconds(1))), [""; 0]);
    }

    #[test]
    fn the_newest_verified_ones_and_the_newest_stay_whatever_their_age() {
        let now = parse_begun_at("2026-12-31T00-00-00.000Z-0").expect("a time");
        let catalogue = Catalogue((1..=8).map(|day| backup(day, day != 8, matches!(day, 1..=5))).collect());
        // 3, 4 and 5 are the newest verified ones, 7 is the newest; 8 has no manifest.
        assert_eq!(days(&catalogue.outdated(now)), ["01", "02", "06", "08"]);
    }

    #[test]
    fn what_never_became_a_backup_goes_after_a_day() {
        let now = parse_begun_at("2026-01-03T00-00-00.000Z-0").expect("a time");
        let catalogue = Catalogue(vec![backup(2, false, false), backup(3, true, false)]);
        assert_eq!(days(&catalogue.outdated(now)), ["02"]);
        assert!(catalogue.outdated(now - TimeDelta::seconds(1)).is_empty());
    }

    #[test]
    fn an_id_tells_its_time() {
        let now = parse_begun_at("2026-01-03T01-02-03.000Z-0").expect("a time");
        assert_eq!(parse_begun_at(&super::super::new_id(now)), Some(now));
        for other in ["", "lost+found", "2026-01-03", "2026-13-03T01-02-03.000Z-0"] {
            assert_eq!(parse_begun_at(other), None);
        }
    }
}
