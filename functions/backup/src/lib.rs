//! Every 30 minutes: a consistent copy of the database in S3, or a failure that is heard.
//!
//! The copy is complete only after `pg_dump` has ended well and all it wrote was read, and exists only with its manifest, which
//! is written last. Until then nothing older is touched.

mod compress;
mod dump;

use std::{collections::BTreeMap, mem, time::Duration};

use anyhow::{Context, ensure};
use metrics::histogram;
use serde::{Deserialize, Serialize};
use shared::{
    aws::s3::Upload,
    backup::{Catalogue, Contents, Manifest, State, dump_key, manifest_key, new_id},
    config::{Config, ConfigError},
    db,
    lambda::job::Job,
    store::database::{self, Snapshot},
};
use sqlx::PgConnection;
use tokio::time::Instant;

use crate::dump::Dumped;

/// What the command prints when it is asked wrongly.
pub const USAGE: &str = "usage: backup ['{}']

Makes a backup of DATABASE_URL, as a role that may read everything, in BACKUP_BUCKET, with pg_dump from POSTGRES_BIN.";

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["DATABASE_URL", "BACKUP_BUCKET"];

/// What is kept back of the function's time, to remove what was begun (two calls to S3) and to say so.
pub const RESERVE: Duration = Duration::from_secs(15);
/// How many bytes of a database are dumped in a second as long as no backup tells: a small function's rate.
const FIRST_RATE: f64 = 20e6;
/// How many backups tell how quick they can be: the quickest counts, since one may have been held up.
const TELLING: usize = 5;

/// The event: there is nothing to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The new backup.
    pub manifest: Manifest,
    /// The old ones that were removed.
    pub removed: Vec<String>,
}

/// Reads the settings.
pub fn state() -> Result<State, ConfigError> {
    Ok(State::new(Config::from_env(REQUIRED)?))
}

/// Makes a backup, then removes those that are too old; tells how old the newest ones are, also if it fails.
pub async fn run(state: &State, _: Request, job: &Job) -> anyhow::Result<Report> {
    let before = job.deadline.within(RESERVE, Catalogue::read(&state.bucket)).await?;
    let made = make(state, &before, job).await;
    if made.is_err() {
        before.measure(state.clock.now());
    }
    let manifest = made?;
    histogram!("BackupSeconds").record(manifest.seconds);
    #[expect(clippy::cast_precision_loss, reason = "a length for a graph")]
    histogram!("BackupBytes").record(manifest.size as f64);
    let after = Catalogue::read(&state.bucket).await?;
    after.measure(state.clock.now());
    let removed = after.prune(&state.bucket, state.clock.now()).await?;
    Ok(Report { manifest, removed })
}

/// What a backup begins with.
struct Prepared {
    tool: String,
    url: String,
    connection: PgConnection,
    snapshot: Snapshot,
    sequences: BTreeMap<String, i64>,
}

async fn make(state: &State, before: &Catalogue, job: &Job) -> anyhow::Result<Manifest> {
    let begin = Instant::now();
    let mut prepared = job.deadline.within(RESERVE, prepare(state, before, job)).await?;
    let id = new_id(state.clock.now());
    tracing::info!(backup.id = id, bytes = prepared.snapshot.bytes, "backup begun");
    let upload = state.bucket.upload(&dump_key(&id)).await?;
    let written = job.deadline.within(RESERVE, write(state, &upload, &mut prepared)).await;
    if written.is_err() {
        discard(state, &id, &upload).await;
    }
    let (dumped, contents) = written?;
    let Prepared { tool, snapshot, .. } = prepared;
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
        id,
    };
    let text = serde_json::to_vec_pretty(&manifest)?;
    let noted = state.bucket.put_new(&manifest_key(&manifest.id), text).await;
    if noted.is_err() {
        discard(state, &manifest.id, &upload).await;
    }
    noted?;
    Ok(manifest)
}

/// Opens the snapshot; a database that cannot be dumped in time is refused before anything is begun.
async fn prepare(state: &State, before: &Catalogue, job: &Job) -> anyhow::Result<Prepared> {
    let tool = state.tools.version("pg_dump").await?;
    let url = state.url(&state.config.database.address).await?;
    let mut connection = db::connect(&url).await?;
    let snapshot = database::begin_snapshot(&mut connection).await?;
    let sequences = database::sequences(&mut connection).await?;
    let mut last = Vec::new();
    for backup in before.0.iter().rev().filter(|backup| backup.complete).take(TELLING) {
        last.extend(before.manifest(&state.bucket, Some(&backup.id)).await.ok());
    }
    let (wanted, left) = (estimate(snapshot.bytes, &last), job.deadline.left(RESERVE).as_secs_f64());
    ensure!(
        wanted <= left,
        "a database of {} bytes takes about {wanted:.1} s to dump, and {left:.1} s are left; docs/operations/backup.md says what to do",
        snapshot.bytes
    );
    Ok(Prepared { tool, url, connection, snapshot, sequences })
}

/// How many seconds it takes to dump so many bytes, as quickly as the quickest of the `last` backups.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn estimate(bytes: i64, last: &[Manifest]) -> f64 {
    let rates = last.iter().map(|manifest| manifest.database_bytes as f64 / manifest.seconds);
    bytes as f64 / rates.reduce(f64::max).unwrap_or(FIRST_RATE)
}

/// Writes the archive, and meanwhile counts what should be in it, in the same snapshot.
async fn write(
    state: &State,
    upload: &Upload<'_>,
    prepared: &mut Prepared,
) -> anyhow::Result<(Dumped, Contents)> {
    let Prepared { url, connection, snapshot, sequences, .. } = prepared;
    let (dumped, contents) =
        tokio::join!(dump::stream(state, url, snapshot, upload), database::contents(connection));
    let (dumped, contents) = (dumped?, contents.context("what is in the database was not counted")?);
    upload.complete(dumped.parts.clone()).await?;
    let object = state.bucket.open(upload.key()).await?;
    ensure!(object.is_some_and(|object| object.size == dumped.size), "S3 has not what was written");
    Ok((dumped, Contents { sequences: mem::take(sequences), ..contents }))
}

/// Removes what was written of a backup that is none: the manifest too, whose writing may have succeeded without our hearing of it.
async fn discard(state: &State, id: &str, upload: &Upload<'_>) {
    let keys = [manifest_key(id), dump_key(id)];
    // Either there are parts or there is an object, unless the upload was just being completed.
    if let (Err(parts), Err(object)) = (upload.abort().await, state.bucket.delete(&keys).await) {
        tracing::warn!(
            error = format!("{parts:#}; {object:#}"),
            "parts not removed; the bucket's lifecycle will"
        );
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn manifest(database_bytes: u64, seconds: f64) -> Manifest {
        Manifest {
            format: 1,
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
        }
    }

    #[test]
    fn one_backup_that_was_held_up_stops_no_other() {
        let last = [manifest(1_000, 800.0), manifest(900, 90.0)];
        assert!((estimate(1_000, &last) - 100.0).abs() < 0.001);
        assert!((estimate(1_000, &last[..1]) - 800.0).abs() < 0.001);
        assert!((estimate(20_000_000, &[]) - 1.0).abs() < 0.001);
    }
}
