//! The name of a backup, and its manifest.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::catalogue;
use crate::store::contents::Contents;

/// The version of the manifest's format. A program refuses a version that it does not know.
const FORMAT: u32 = 1;

/// Generates an id that sorts by the time at which the backup began: `2026-01-02T03-04-05.000Z-1f2e3d4c`.
#[must_use]
pub fn new_id(now: DateTime<Utc>) -> String {
    let [.., a, b, c, d] = *Uuid::new_v4().as_bytes();
    format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", now.format(catalogue::TIME))
}

/// Returns the key of the archive.
#[must_use]
pub fn dump_key(id: &str) -> String {
    format!("{id}/dump.zst")
}

/// Returns the key of the manifest.
#[must_use]
pub fn manifest_key(id: &str) -> String {
    format!("{id}/manifest.json")
}

/// Returns the key of the mark that the backup was restored.
#[must_use]
pub fn verified_key(id: &str) -> String {
    format!("{id}/verified.json")
}

/// The description of a backup, and the contents that a restore must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    pub format: u32,
    pub id: String,
    /// The archive's size in bytes.
    pub size: u64,
    /// The archive's SHA-256, in hexadecimal.
    pub sha256: String,
    /// The time of the data, by the database's clock. Later commits are not in the backup.
    pub taken_at: DateTime<Utc>,
    /// The duration of the backup.
    pub seconds: f64,
    /// The database's size in bytes, with indexes.
    pub database_bytes: u64,
    /// The archive's size before compression, in bytes.
    pub dump_bytes: u64,
    /// The version of the server.
    pub server: String,
    /// The version of `pg_dump`.
    pub dump: String,
    pub contents: Contents,
}

impl Manifest {
    /// Parses the manifest of the backup `id`. Fails if it belongs to another backup.
    pub fn read(id: &str, text: &[u8]) -> anyhow::Result<Self> {
        let manifest: Self = serde_json::from_slice(text)
            .map_err(|error| anyhow::anyhow!("the manifest of {id} cannot be read: {error}"))?;
        anyhow::ensure!(
            manifest.format == FORMAT,
            "the manifest of {id} has the unknown format {}",
            manifest.format
        );
        anyhow::ensure!(manifest.id == id, "the manifest in {id} is that of {}", manifest.id);
        Ok(manifest)
    }

    /// Returns the format of new manifests.
    #[must_use]
    pub fn format() -> u32 {
        FORMAT
    }
}
