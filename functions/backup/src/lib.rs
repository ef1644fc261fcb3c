//! Every 30 minutes: a consistent copy of the database in S3, or a failure that is heard.
//!
//! The copy is complete only after `pg_dump` has ended well and all it wrote was read, and exists only with its manifest, which
//! is written last. Until then nothing older is touched.

mod compress;
mod dump;

use std::time::Duration;

use anyhow::{Context, ensure};
use metrics::gauge;
use serde::{Deserialize, Serialize};
use shared::{
    backup::{Catalogue, Contents, Manifest, State, dump_key, manifest_key, new_id},
    config::{Config, ConfigError},
    job::Job,
    outside::storage::Upload,
    store::database::{self, Snapshot},
};
use sqlx::PgConnection;
use tokio::time::{Instant, timeout};

use crate::dump::Dumped;

/// What the command prints when it is asked wrongly.
pub const USAGE: &str = "usage: backup ['{}']

Makes a backup of DATABASE_URL, as a role that may read everything, in BACKUP_BUCKET, with pg_dump from POSTGRES_BIN.";

/// What is kept back of the function's time, to abort an upload and to say so.
const RESERVE: Duration = Duration::from_secs(5);
/// How many bytes of a database are dumped in a second as long as no backup tells: a small function's rate.
const FIRST_RATE: f64 = 20e6;
/// How much slower than the last time a dump may be before it does not fit any more.
const MARGIN: f64 = 1.5;

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
    Ok(State::new(Config::from_env(&["DATABASE_URL", "BACKUP_BUCKET"])?))
}

/// Makes a backup, then removes those that are too old; tells how old the newest ones are, also if it fails.
pub async fn run(state: &State, _: Request, job: &Job) -> anyhow::Result<Report> {
    let before = Catalogue::read(&state.bucket).await?;
    let made = make(state, &before, job).await;
    if made.is_err() {
        before.measure(state.clock.now());
    }
    let manifest = made?;
    gauge!("BackupSeconds").set(manifest.seconds);
    #[expect(clippy::cast_precision_loss, reason = "a length for a graph")]
    gauge!("BackupBytes").set(manifest.size as f64);
    let after = Catalogue::read(&state.bucket).await?;
    after.measure(state.clock.now());
    let removed = after.prune(&state.bucket, state.clock.now()).await?;
    Ok(Report { manifest, removed })
}

async fn make(state: &State, before: &Catalogue, job: &Job) -> anyhow::Result<Manifest> {
    let begin = Instant::now();
    let tool = state.tools.version("pg_dump").await?;
    let url = state.secrets.get(&state.config.database.url).await?;
    let mut connection = state.connect(&url).await?;
    let snapshot = database::begin_snapshot(&mut connection).await?;
    let rate = last_rate(state, before).await;
    let left = job.deadline.left(RESERVE);
    refuse_too_large(&snapshot, rate, left)?;

    let id = new_id(state.clock.now());
    tracing::info!(backup.id = id, bytes = snapshot.bytes, "backup begun");
    let upload = state.bucket.upload(&dump_key(&id)).await?;
    let work = write(state, &upload, &url, &snapshot, &mut connection);
    let written = match left {
        Some(left) => timeout(left, work).await.context("the function's time is over").flatten(),
        None => work.await,
    };
    if written.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(error = format!("{error:#}"), "parts not removed; the bucket's lifecycle will");
    }
    let (dumped, contents) = written?;
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
    state.bucket.put_new(&manifest_key(&manifest.id), serde_json::to_vec_pretty(&manifest)?).await?;
    Ok(manifest)
}

/// A database that cannot be dumped in time is refused before anything is begun.
fn refuse_too_large(snapshot: &Snapshot, rate: f64, left: Option<Duration>) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let wanted = snapshot.bytes as f64 / rate;
    let Some(left) = left.map(|left| left.as_secs_f64()) else { return Ok(()) };
    ensure!(
        wanted <= left,
        "a database of {} bytes takes about {wanted:.1} s to dump, and {left:.1} s are left; docs/operations/backup.md says what to do",
        snapshot.bytes
    );
    Ok(())
}

/// How many bytes of the database the last backup dumped in a second, with a margin.
async fn last_rate(state: &State, before: &Catalogue) -> f64 {
    match before.manifest(&state.bucket, None).await {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        Ok(last) => last.database_bytes as f64 / last.seconds / MARGIN,
        Err(_) => FIRST_RATE,
    }
}

/// Writes the archive, and meanwhile counts what should be in it, in the same snapshot.
async fn write(
    state: &State,
    upload: &Upload<'_>,
    url: &str,
    snapshot: &Snapshot,
    connection: &mut PgConnection,
) -> anyhow::Result<(Dumped, Contents)> {
    let (dumped, contents) =
        tokio::join!(dump::stream(state, url, snapshot, upload), database::contents(connection));
    let (dumped, contents) = (dumped?, contents.context("what is in the database was not counted")?);
    upload.complete(dumped.parts.clone()).await?;
    let object = state.bucket.open(upload.key()).await?;
    ensure!(object.is_some_and(|object| object.size == dumped.size), "S3 has not what was written");
    Ok((dumped, contents))
}
