//! Backups: a dump of the database in S3, a manifest and its MAC. Without the MAC there is no backup.
//!
//! `<id>/dump.zst` is a custom-format archive of `pg_dump`, as one zstd frame (RFC 8878) with its checksum:
//! `zstd -dc dump.zst | pg_restore …` reads it. `<id>/manifest.json` describes it. `<id>/manifest.mac` authenticates the manifest and is
//! written last. `<id>/verified.json` is written after a successful restore.

mod authentic;
mod catalogue;
mod manifest;
mod state;
mod tools;

pub use authentic::{Choice, manifest_sha256};
pub use catalogue::{Backup, Catalogue};
pub use manifest::{LedgerPosition, Manifest, dump_key, mac_key, manifest_key, new_id, verified_key};
pub use state::State;
pub use tools::{Tools, check_exit};
