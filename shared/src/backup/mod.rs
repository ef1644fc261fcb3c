//! What a backup is: a dump of the database in S3 and a manifest beside it, without which it does not exist.
//!
//! `<id>/dump.zst` is a custom-format archive of `pg_dump`, as one zstd frame (RFC 8878) with its checksum:
//! `zstd -dc dump.zst | pg_restore …` reads it. `<id>/manifest.json` is written last. `<id>/verified.json` is written by whoever has
//! restored it.

mod catalogue;
mod state;
mod tools;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use catalogue::{Backup, Catalogue};
pub use state::State;
pub use tools::{Tools, ended};

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

/// What a database holds, as far as it can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contents {
    /// The newest migration applied.
    pub migration: Option<i64>,
    /// The rows of every table.
    pub tables: BTreeMap<String, i64>,
    /// Where every sequence is. One may go on while a dump is made, so a copy may be ahead, never behind.
    pub sequences: BTreeMap<String, i64>,
    /// Every extension's version.
    pub extensions: BTreeMap<String, String>,
    /// Who was granted something: roles belong to a server, not to a database, so no dump has them.
    pub roles: Vec<String>,
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

impl Contents {
    /// Every row of every table.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.tables.values().sum()
    }

    /// What is not in `copy` as it is here; empty if `copy` is one.
    #[must_use]
    pub fn missing_in(&self, copy: &Self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.migration != copy.migration {
            missing.push(format!("migration {:?} instead of {:?}", copy.migration, self.migration));
        }
        for (table, rows) in &self.tables {
            if copy.tables.get(table) != Some(rows) {
                missing.push(format!("{table} has {} rows instead of {rows}", shown(copy.tables.get(table))));
            }
        }
        for table in copy.tables.keys().filter(|table| !self.tables.contains_key(*table)) {
            missing.push(format!("{table} should not be there"));
        }
        for (sequence, last) in &self.sequences {
            if copy.sequences.get(sequence).is_none_or(|copied| copied < last) {
                let copied = shown(copy.sequences.get(sequence));
                missing.push(format!("{sequence} is at {copied} instead of {last}"));
            }
        }
        // A newer server may bring a newer version.
        for extension in self.extensions.keys().filter(|name| !copy.extensions.contains_key(*name)) {
            missing.push(format!("the extension {extension} is missing"));
        }
        missing
    }
}

fn shown(number: Option<&i64>) -> String {
    number.map_or_else(|| "no".to_owned(), i64::to_string)
}
