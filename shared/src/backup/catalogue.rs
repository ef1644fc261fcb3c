//! The list of all backups.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use metrics::histogram;
use serde::Serialize;

use super::{dump_key, mac_key, manifest_key, verified_key};
use crate::aws::s3::{self, Bucket};

/// The format of the time in an id.
pub(super) const TIME_FORMAT: &str = "%Y-%m-%dT%H-%M-%S%.3fZ";
/// The retention of the lifecycle rule `expired` (`infra/data/backups.yaml`).
const RETENTION: TimeDelta = TimeDelta::days(30);
/// A backup is marked this long before its retention ends, because it is marked once a day.
const MARKED_BEFORE: TimeDelta = TimeDelta::days(2);
/// The tag of the lifecycle rule `expired`.
const MARK: &str = "expired";
const CONCURRENT_MARKS: usize = 16;
/// The number of verified backups that are kept whatever their age.
const MIN_VERIFIED_KEPT: usize = 3;

/// A backup, complete or unfinished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    pub id: String,
    pub begun_at: DateTime<Utc>,
    /// The size of the newest version of the archive in bytes.
    pub size: u64,
    /// Whether there is an archive, a manifest and its MAC.
    pub complete: bool,
    /// Whether it was restored successfully.
    pub verified: bool,
    /// Whether a delete marker hides one of its objects.
    pub hidden: bool,
    /// The versions and delete markers of its objects, newest first. Not shown if each object has one version and no marker.
    #[serde(skip_serializing_if = "are_plain")]
    pub versions: Vec<ObjectVersion>,
}

/// A version of an object of a backup, or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectVersion {
    /// The key without the id of the backup.
    pub object: String,
    pub version: String,
    /// In bytes.
    pub size: u64,
    /// By the clock of S3.
    pub modified: Option<DateTime<Utc>>,
    /// Whether a read without a version finds it.
    pub current: bool,
    pub delete_marker: bool,
}

/// The backups in a bucket, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Catalogue(pub Vec<Backup>);

impl Catalogue {
    /// Reads the backups from the listing of the bucket.
    pub async fn read(bucket: &Bucket) -> anyhow::Result<Self> {
        let mut found = BTreeMap::<String, Vec<ObjectVersion>>::new();
        for version in bucket.versions("").await? {
            let Some((id, object)) = version.key.split_once('/') else { continue };
            if parse_begun_at(id).is_some() {
                found.entry(id.to_owned()).or_default().push(ObjectVersion::of(object, &version));
            }
        }
        let backups = found.into_iter().filter_map(|(id, versions)| Backup::of(id, versions));
        Ok(Self(backups.collect()))
    }

    /// Returns the newest complete backup that is not hidden.
    #[must_use]
    pub fn newest(&self) -> Option<&Backup> {
        self.0.iter().rfind(|backup| backup.complete && !backup.hidden)
    }

    /// Returns the newest verified backup that is not hidden.
    #[must_use]
    pub fn newest_verified(&self) -> Option<&Backup> {
        self.0.iter().rfind(|backup| backup.complete && backup.verified && !backup.hidden)
    }

    /// Returns the backup `id`, or the newest complete one. Without `id`, a hidden backup is not skipped: the caller refuses it.
    pub fn find(&self, id: Option<&str>) -> anyhow::Result<&Backup> {
        match id {
            Some(id) => {
                let found = self.0.iter().find(|backup| backup.id == id);
                found.with_context(|| format!("there is no backup {id}"))
            }
            None => self.0.iter().rfind(|backup| backup.complete).context("there is no backup"),
        }
    }

    /// Marks backups for the lifecycle of the bucket, which removes a marked backup 30 days after it was made, and not before.
    /// Returns their number. The newest backup and the newest verified ones are not marked.
    pub async fn mark_expired(&self, bucket: &Bucket, now: DateTime<Utc>) -> anyhow::Result<usize> {
        let expired = self.expired(now);
        let objects = expired.iter().flat_map(|backup| {
            let current = backup.versions.iter().filter(|version| version.current && !version.delete_marker);
            current.map(|version| version.key(&backup.id))
        });
        let marking = objects.map(async |key| bucket.tag(&key, MARK, "true").await);
        stream::iter(marking).buffer_unordered(CONCURRENT_MARKS).try_collect::<()>().await?;
        Ok(expired.len())
    }

    fn expired(&self, now: DateTime<Utc>) -> Vec<&Backup> {
        let verified = self.0.iter().rev().filter(|backup| backup.complete && backup.verified);
        let kept: Vec<_> =
            verified.take(MIN_VERIFIED_KEPT).chain(self.newest()).map(|backup| &backup.id).collect();
        let expired = self.0.iter().filter(|backup| {
            now - backup.begun_at >= RETENTION - MARKED_BEFORE && !kept.contains(&&backup.id)
        });
        expired.collect()
    }

    /// Returns the ids of the backups that a delete marker hides before their retention has ended. The lifecycle did not do that.
    #[must_use]
    pub fn hidden_early(&self, now: DateTime<Utc>) -> Vec<&str> {
        let hidden = self.0.iter().filter(|backup| backup.hidden && now - backup.begun_at < RETENTION);
        hidden.map(|backup| backup.id.as_str()).collect()
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

impl Backup {
    fn of(id: String, versions: Vec<ObjectVersion>) -> Option<Self> {
        let begun_at = parse_begun_at(&id)?;
        let mut of_object = versions.iter().filter(|version| !version.delete_marker);
        let archive = of_object.clone().find(|version| dump_key(&id) == version.key(&id));
        let has = |key: String| of_object.clone().any(|version| version.key(&id) == key);
        let (manifest, mac, verified) = (has(manifest_key(&id)), has(mac_key(&id)), has(verified_key(&id)));
        of_object.next()?;
        Some(Self {
            begun_at,
            size: archive.map_or(0, |archive| archive.size),
            complete: archive.is_some() && manifest && mac,
            verified,
            hidden: versions.iter().any(|version| version.delete_marker && version.current),
            id,
            versions,
        })
    }

    /// Returns the versions of the object `key`, newest first, without delete markers.
    pub fn versions_of(&self, key: &str) -> impl Iterator<Item = &ObjectVersion> {
        self.versions.iter().filter(move |version| !version.delete_marker && version.key(&self.id) == key)
    }

    /// Returns the current version of the object `key`; `None` if it does not exist or a delete marker hides it.
    #[must_use]
    pub fn current(&self, key: &str) -> Option<&ObjectVersion> {
        self.versions_of(key).find(|version| version.current)
    }
}

impl ObjectVersion {
    fn of(object: &str, version: &s3::Version) -> Self {
        Self {
            object: object.to_owned(),
            version: version.id.clone(),
            size: version.size,
            modified: version.modified,
            current: version.is_current,
            delete_marker: version.is_delete_marker,
        }
    }

    fn key(&self, id: &str) -> String {
        format!("{id}/{}", self.object)
    }
}

fn are_plain(versions: &[ObjectVersion]) -> bool {
    versions.iter().all(|version| version.current && !version.delete_marker)
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
        let begun_at = parse_begun_at(&id).expect("a time");
        Backup { begun_at, id, size: 1, complete, verified, hidden: false, versions: Vec::new() }
    }

    fn version(object: &str, current: bool, delete_marker: bool) -> ObjectVersion {
        ObjectVersion {
            object: object.to_owned(),
            version: "v".to_owned(),
            size: 1,
            modified: None,
            current,
            delete_marker,
        }
    }

    fn days(backups: &[&Backup]) -> Vec<String> {
        backups.iter().map(|backup| backup.id[8..10].to_owned()).collect()
    }

    #[test]
    fn backup_is_marked_two_days_before_its_retention_ends() {
        let now = parse_begun_at("2026-01-29T00-00-00.000Z-0").expect("a time");
        let catalogue = Catalogue((1..=28).map(|day| backup(day, day != 1, false)).collect());
        assert_eq!(days(&catalogue.expired(now)), ["01"]);
        assert_eq!(days(&catalogue.expired(now - TimeDelta::seconds(1))), [""; 0]);
    }

    #[test]
    fn the_newest_verified_ones_and_the_newest_stay_whatever_their_age() {
        let now = parse_begun_at("2026-12-31T00-00-00.000Z-0").expect("a time");
        let catalogue = Catalogue((1..=8).map(|day| backup(day, day != 8, matches!(day, 1..=5))).collect());
        // 3, 4 and 5 are the newest verified ones, 7 is the newest; 8 has no manifest.
        assert_eq!(days(&catalogue.expired(now)), ["01", "02", "06", "08"]);
    }

    #[test]
    fn delete_marker_hides_a_backup_and_the_newest_is_not_skipped_for_it() {
        let now = parse_begun_at("2026-01-03T00-00-00.000Z-0").expect("a time");
        let whole = ["dump.zst", "manifest.json", "manifest.mac"].map(|object| version(object, true, false));
        let older =
            Backup::of("2026-01-01T00-00-00.000Z-00000000".to_owned(), whole.to_vec()).expect("a backup");
        assert!(older.complete && !older.hidden && are_plain(&older.versions));
        let mut versions = whole.to_vec();
        versions[1].current = false;
        versions.push(version("manifest.json", true, true));
        let id = "2026-01-02T00-00-00.000Z-00000000";
        let hidden = Backup::of(id.to_owned(), versions).expect("a backup");
        assert!(hidden.complete && hidden.hidden && !are_plain(&hidden.versions));
        assert!(hidden.current(&manifest_key(id)).is_none() && hidden.current(&mac_key(id)).is_some());
        let catalogue = Catalogue(vec![older.clone(), hidden.clone()]);
        assert_eq!(catalogue.newest(), Some(&older), "its age is measured without the hidden one");
        assert_eq!(catalogue.find(None).expect("a backup"), &hidden, "and a restore does not skip it");
        assert_eq!(catalogue.hidden_early(now), [id]);
        assert!(catalogue.hidden_early(now + TimeDelta::days(30)).is_empty(), "the lifecycle did it");
        assert_eq!(Backup::of(id.to_owned(), vec![version("dump.zst", true, true)]), None);
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
