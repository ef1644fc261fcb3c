//! The name of a backup, and its manifest.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::catalogue;
use crate::store::contents::Contents;

/// The form of the manifest; a program that does not know it must not guess.
const FORMAT: u32 = 1;

/// Names a backup, and sorts by the time at which it was begun: `2026-01-02T03-04-05.000Z-1f2e3d4c`.
#[must_use]
pub fn new_id(now: DateTime<Utc>) -> String {
    let [.., a, b, c, d] = *Uuid::new_v4().as_bytes();
    format!("{}-{a:02x}{b:02x}{c:02x}{d:02x}", now.format(catalogue::TIME))
}

/// The archive of the backup `id`.
#[must_use]
pub fn dump_key(id: &str) -> String {
    format!("{id}/dump.zst")
}

/// What the backup `id` should be.
#[must_use]
pub fn manifest_key(id: &str) -> String {
    format!("{id}/manifest.json")
}

/// That the backup `id` was restored.
#[must_use]
pub fn verified_key(id: &str) -> String {
    format!("{id}/verified.json")
}

/// What a backup should be, and what should be in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The form of this document.
    pub format: u32,
    /// Which backup.
    pub id: String,
    /// The archive's length in bytes.
    pub size: u64,
    /// The archive's SHA-256, in hexadecimal.
    pub sha256: String,
    /// Of which moment the backup is, by the database's clock: what was committed later is not in it.
    pub taken_at: DateTime<Utc>,
    /// How long it took.
    pub seconds: f64,
    /// The database's size, indexes included, in bytes.
    pub database_bytes: u64,
    /// The archive's length before compression, in bytes.
    pub dump_bytes: u64,
    /// The server's version.
    pub server: String,
    /// `pg_dump`'s version.
    pub dump: String,
    /// What is in it.
    pub contents: Contents,
}

impl Manifest {
    /// Reads the manifest of the backup `id`; fails if it is another's.
    pub fn read(id: &str, text: &[u8]) -> anyhow::Result<Self> {
        let manifest: Self = serde_json::from_slice(text)
            .map_err(|error| anyhow::anyhow!("the manifest of {id} cannot be read: {error}"))?;
        anyhow::ensure!(
            manifest.format == FORMAT,
            "the manifest of {id} has the unknown form {}",
            manifest.format
        );
        anyhow::ensure!(manifest.id == id, "the manifest in {id} is that of {}", manifest.id);
        Ok(manifest)
    }

    /// The form that is written today.
    #[must_use]
    pub fn format() -> u32 {
        FORMAT
    }
}
