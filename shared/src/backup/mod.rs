//! Backups: a dump of the database in S3 and a manifest. Without the manifest there is no backup.
//!
//! `<id>/dump.zst` is a custom-format archive of `pg_dump`, as one zstd frame (RFC 8878) with its checksum:
//! `zstd -dc dump.zst | pg_restore …` reads it. `<id>/manifest.json` is written last. `<id>/verified.json` is written after a
//! successful restore.

mod catalogue;
mod manifest;
mod state;
mod tools;

pub use catalogue::{Backup, Catalogue};
pub use manifest::{LedgerPosition, Manifest, dump_key, manifest_key, new_id, verified_key};
pub use state::State;
pub use tools::{Tools, check_exit};
