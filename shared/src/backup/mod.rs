//! Backups in S3: a dump of the database, and its manifest. Without the manifest it is not a backup.
//!
//! `<id>/dump.zst` is a custom-format archive of `pg_dump`, as one zstd frame (RFC 8878) with its checksum:
//! `zstd -dc dump.zst | pg_restore …` reads it. `<id>/manifest.json` is written last. A restore of the backup writes
//! `<id>/verified.json`.

mod catalogue;
mod manifest;
mod state;
mod tools;

pub use catalogue::{Backup, Catalogue};
pub use manifest::{Manifest, dump_key, manifest_key, new_id, verified_key};
pub use state::State;
pub use tools::{Tools, ended};
