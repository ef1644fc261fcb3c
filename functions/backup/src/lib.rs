//! Writes a consistent copy of the database to S3, at the interval `BackupInterval` of the template. A failure raises an alarm.
//!
//! The copy is complete when `pg_dump` has succeeded and all of its output has been read. It counts as a backup only with its manifest and
//! the MAC of that, which is written last. This function deletes nothing and writes over nothing.

mod compress;
mod dump;

use std::{collections::BTreeMap, mem, time::Duration};

use anyhow::{Context, ensure};
use metrics::histogram;
use serde::{Deserialize, Serialize};
use shared::{
    accounts::erasure_ledger,
    aws::s3::{Bucket, Upload},
    backup::{Catalogue, Manifest, State, dump_key, mac_key, manifest_key, manifest_sha256, new_id},
    config::{Config, ConfigError},
    db,
    lambda::job::Job,
    store::{
        contents::Contents,
        database::{self, Snapshot},
        database_properties::DatabaseProperties,
        databases,
    },
};
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::dump::UploadedDump;

/// Printed for `--help` and for wrong arguments.
pub const USAGE: &str = "usage: backup ['{}']

Back up the database to S3.

environment:
  DATABASE_URL    the database, with a role that may read everything
  BACKUP_BUCKET   the bucket of the backups
  BACKUP_MAC_KEY  the KMS key that authenticates the manifest
  ERASURE_BUCKET  the bucket of the ledger of erasures, which the manifest names
  POSTGRES_BIN    the folder of pg_dump and pg_restore";

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["DATABASE_URL", "BACKUP_BUCKET", "BACKUP_MAC_KEY", "ERASURE_BUCKET"];

/// Time kept at the end of the run to abort a failed upload and to report the failure.
pub const RESERVE: Duration = Duration::from_secs(15);
/// The rate that is assumed without an earlier backup: that of a small function.
const DEFAULT_BYTES_PER_SECOND: f64 = 20e6;
/// The number of earlier backups from which the rate is computed. The fastest counts: another may have waited for a lock.
const RATE_SAMPLES: usize = 5;

/// The event. It has no fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {}

/// The result of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of the new backup.
    pub manifest: Manifest,
    /// Of the manifest, in hexadecimal: what a restore needs if the key of the MAC is lost.
    pub manifest_sha256: String,
}

/// Reads the settings.
pub fn state() -> Result<State, ConfigError> {
    Ok(State::new(Config::from_env(REQUIRED)?))
}

/// Makes a backup. `recovery-points` records the ages of the newest ones.
pub async fn run(state: &State, _: Request, job: &Job) -> anyhow::Result<Report> {
    let before = job.deadline.within(RESERVE, Catalogue::read(&state.bucket)).await?;
    let report = create_backup(state, &before, job).await?;
    let manifest = &report.manifest;
    histogram!("BackupSeconds").record(manifest.seconds);
    #[expect(clippy::cast_precision_loss, reason = "a metric needs no exact bytes")]
    histogram!("BackupBytes").record(manifest.size as f64);
    Ok(report)
}

/// An open snapshot, and what must be known before the dump.
struct Prepared {
    /// The version of `pg_dump`.
    tool: String,
    url: String,
    connection: PgConnection,
    snapshot: Snapshot,
    sequences: BTreeMap<String, i64>,
    properties: DatabaseProperties,
}

async fn create_backup(state: &State, before: &Catalogue, job: &Job) -> anyhow::Result<Report> {
    let begin = Instant::now();
    // Before the snapshot: an entry that the manifest names is older than the data.
    let ledger = Bucket::new(&state.config.storage.erasures, "");
    let ledger = job.deadline.within(RESERVE, erasure_ledger::position(&ledger)).await;
    let ledger = ledger.context("the ledger of erasures cannot be read")?;
    let mut prepared = job.deadline.within(RESERVE, prepare(state, before, job)).await?;
    let id = new_id(state.clock.now());
    tracing::info!(backup.id = id, bytes = prepared.snapshot.bytes, "backup begun");
    let upload = state.bucket.upload(&dump_key(&id)).await?;
    let written = job.deadline.within(RESERVE, write(state, &upload, &mut prepared)).await;
    if written.is_err() {
        abort(&upload).await;
    }
    let (dumped, contents) = written?;
    let Prepared { tool, snapshot, properties, .. } = prepared;
    let manifest = Manifest {
        format: Manifest::format(),
        size: dumped.size,
        sha256: dumped.sha256,
        taken_at: snapshot.taken_at,
        seconds: begin.elapsed().as_secs_f64(),
        database_bytes: snapshot.bytes.try_into()?,
        dump_bytes: dumped.read,
        server: snapshot.server,
        dump: tool,
        contents,
        database: properties,
        ledger,
        id,
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    let (mac, manifest_sha256) = (state.sign(&text).await?, manifest_sha256(&text));
    state.bucket.put_new(&manifest_key(&manifest.id), text).await?;
    state.bucket.put_new(&mac_key(&manifest.id), mac).await?;
    Ok(Report { manifest, manifest_sha256 })
}

/// Opens the snapshot. Fails before anything is written if the database cannot be dumped in time.
async fn prepare(state: &State, before: &Catalogue, job: &Job) -> anyhow::Result<Prepared> {
    let tool = state.tools.version("pg_dump").await?;
    let url = state.url(&state.config.database.address).await?;
    let mut connection = db::connect(&url).await?;
    // The snapshot stays open, without a statement, until everything is read.
    database::limit_session(&mut connection, job.deadline.left(Duration::ZERO)).await?;
    let snapshot = database::begin_snapshot(&mut connection).await?;
    let sequences = database::sequences(&mut connection).await?;
    let name = database::current_database(&mut connection).await?;
    let properties = databases::properties(&mut connection, &name).await?;
    let mut last = Vec::new();
    for backup in before.0.iter().rev().filter(|backup| backup.complete).take(RATE_SAMPLES) {
        // Not authenticated: only a rate is taken from it, and the fastest one counts.
        let text = state.bucket.get(&manifest_key(&backup.id)).await.ok().flatten();
        last.extend(text.and_then(|text| Manifest::read(&backup.id, &text).ok()));
    }
    let (needed, left) = (estimate(snapshot.bytes, &last), job.deadline.left(RESERVE).as_secs_f64());
    ensure!(
        needed <= left,
        "a database of {} bytes takes about {needed:.1} s to dump, and {left:.1} s are left; see docs/operations/backup.md",
        snapshot.bytes
    );
    Ok(Prepared { tool, url, connection, snapshot, sequences, properties })
}

/// Estimates the seconds that a dump of `bytes` bytes takes, at the rate of the fastest of the `last` backups.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn estimate(bytes: i64, last: &[Manifest]) -> f64 {
    let rates = last.iter().map(|manifest| manifest.database_bytes as f64 / manifest.seconds);
    bytes as f64 / rates.reduce(f64::max).unwrap_or(DEFAULT_BYTES_PER_SECOND)
}

/// Uploads the archive, and at the same time reads what it must contain, in the same snapshot.
async fn write(
    state: &State,
    upload: &Upload<'_>,
    prepared: &mut Prepared,
) -> anyhow::Result<(UploadedDump, Contents)> {
    let Prepared { url, connection, snapshot, sequences, .. } = prepared;
    let (dumped, contents) =
        tokio::join!(dump::stream(state, url, snapshot, upload), database::contents(connection));
    let (dumped, contents) = (dumped?, contents.context("reading the contents of the database failed")?);
    upload.complete(dumped.parts.clone()).await?;
    let object = state.bucket.open(upload.key(), None).await?;
    ensure!(
        object.is_some_and(|object| object.size == dumped.size),
        "S3 object size differs from the uploaded size"
    );
    Ok((dumped, Contents { sequences: mem::take(sequences), ..contents }))
}

/// Deletes the parts of a failed upload. An object that was completed stays, without a manifest, until the lifecycle removes it.
async fn abort(upload: &Upload<'_>) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(
            error = format!("{error:#}"),
            "parts not deleted; the bucket's lifecycle rule deletes them later"
        );
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use shared::backup::LedgerPosition;

    use super::*;

    fn manifest(database_bytes: u64, seconds: f64) -> Manifest {
        Manifest {
            format: Manifest::format(),
            id: String::new(),
            size: 0,
            sha256: String::new(),
            taken_at: DateTime::UNIX_EPOCH,
            seconds,
            database_bytes,
            dump_bytes: 0,
            server: String::new(),
            dump: String::new(),
            contents: Contents::default(),
            database: DatabaseProperties::default(),
            ledger: LedgerPosition::default(),
        }
    }

    #[test]
    fn one_slow_backup_does_not_block_the_next() {
        let last = [manifest(1_000, 800.0), manifest(900, 90.0)];
        assert!((estimate(1_000, &last) - 100.0).abs() < 0.001);
        assert!((estimate(1_000, &last[..1]) - 800.0).abs() < 0.001);
        assert!((estimate(20_000_000, &[]) - 1.0).abs() < 0.001);
    }
}
