//! The id and the manifest of a backup.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::catalogue;
use crate::store::{contents::Contents, database_properties::DatabaseProperties};

/// The version of the manifest's format. A reader refuses any other.
const FORMAT: u32 = 2;

/// Creates the id of a backup, such as `2026-01-02T03-04-05.000Z-1f2e3d4c`. Ids sort by the time at which the backup began.
#[must_use]
pub fn new_id(now: DateTime<Utc>) -> String {
    let [.., a, b, c, d] = *Uuid::new_v4().as_bytes();
    format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", now.format(catalogue::TIME_FORMAT))
}

#[must_use]
pub fn dump_key(id: &str) -> String {
    format!("{id}/dump.zst")
}

#[must_use]
pub fn manifest_key(id: &str) -> String {
    format!("{id}/manifest.json")
}

/// Returns the key of the object that exists if the backup `id` was restored successfully.
#[must_use]
pub fn verified_key(id: &str) -> String {
    format!("{id}/verified.json")
}

/// Describes a backup, so that a restore can check it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    pub id: String,
    /// The size of the archive in bytes.
    pub size: u64,
    /// Of the archive, in hexadecimal.
    pub sha256: String,
    /// The time of the snapshot, by the clock of the database. Later commits are not in the backup.
    pub taken_at: DateTime<Utc>,
    /// The duration of the backup.
    pub seconds: f64,
    /// The size of the database with its indexes.
    pub database_bytes: u64,
    /// The size of the archive before compression.
    pub dump_bytes: u64,
    /// The version of the server.
    pub server: String,
    /// The version of `pg_dump`.
    pub dump: String,
    pub contents: Contents,
    /// What the archive does not contain.
    pub database: DatabaseProperties,
    /// The ledger of erasures, read before the snapshot.
    pub ledger: LedgerPosition,
}

/// The member that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Identifies a ledger of erasures and what it contained at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LedgerPosition {
    /// Several, if another ledger was copied into it.
    pub ids: BTreeSet<Uuid>,
    /// The key of the newest entry; `None` without entries.
    pub newest: Option<String>,
}

impl Manifest {
    /// Parses the manifest of the backup `id`. Fails if it belongs to another backup.
    pub fn read(id: &str, text: &[u8]) -> anyhow::Result<Self> {
        let unreadable =
            |error: serde_json::Error| anyhow::anyhow!("the manifest of {id} cannot be read: {error}");
        // Another format has other members.
        let Format { format } = serde_json::from_slice(text).map_err(unreadable)?;
        anyhow::ensure!(format == FORMAT, "the manifest of {id} has the unknown format {format}");
        let manifest: Self = serde_json::from_slice(text).map_err(unreadable)?;
        anyhow::ensure!(manifest.id == id, "the manifest of {id} is that of {}", manifest.id);
        Ok(manifest)
    }

    /// Returns the version of the format that is written.
    #[must_use]
    pub fn format() -> u32 {
        FORMAT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_of_another_format_is_refused_for_its_format_and_not_for_its_members() {
        let error = Manifest::read("x", br#"{"format": 1, "id": "x", "old": true}"#).expect_err("refused");
        assert_eq!(error.to_string(), "the manifest of x has the unknown format 1");
    }
}
