//! Restores the newest backup every day and compares it with its manifest. Restores for use if the event names a target.

mod copy;
mod erasures;
mod fetch;
mod restore;
mod target;

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use metrics::histogram;
use serde::{Deserialize, Serialize};
use shared::{
    aws::s3::Source,
    backup::{Catalogue, Manifest, State, verified_key},
    config::{Config, ConfigError},
    db,
    domain::ids::OrganizationId,
    lambda::job::Job,
    store::{self, contents::Contents, database},
};
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use crate::{
    copy::Copied,
    erasures::{Erasures, Replayed, Unconfirmed},
    target::{Scratch, Target},
};

/// Printed for unknown arguments.
pub const USAGE: &str = r#"usage: restore-drill '{"command": "list"}'
       restore-drill '{"command": "drill"}'
       restore-drill '{"command": "restore", "target": "arches_restored"}'
       restore-drill '{"command": "replay", "target": "arches", "since": "2026-01-02T03:04:05Z"}'
       restore-drill '{"command": "copy", "backups": "<bucket>", "erasures": "<bucket>"}'

Lists the backups in BACKUP_BUCKET; restores one into a scratch database on the server of DATABASE_URL, compares and removes
it; or restores it for real, into an empty database: a name on the same server, a postgresql:// URL, or a reference to the
secret that holds one. "backup": "<id>" chooses another than the newest.
"replay" erases again, in a database that was restored by other means, the users who were erased since.
"copy" copies a backup and its ledger of erasures from the buckets of another environment.
"unconfirmed": "erase" or "keep" says what to do with users of whom it is unknown whether they were erased."#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["DATABASE_URL", "BACKUP_BUCKET", "ERASURE_BUCKET"];

/// Time kept at the end of the run to remove the scratch database and to report.
pub const RESERVE: Duration = Duration::from_secs(20);

/// The event.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Lists the backups.
    List,
    /// Restores a backup into a scratch database, compares it and removes it.
    Drill {
        /// The id of the backup; the newest by default.
        backup: Option<String>,
    },
    /// Restores a backup for use.
    Restore {
        /// The id of the backup; the newest by default.
        backup: Option<String>,
        /// An empty database: its name on the server of `DATABASE_URL`, or its URL. Where the system is deployed, the URL is a
        /// reference to a secret.
        target: String,
        /// Without it, such entries of the ledger are refused.
        unconfirmed: Option<Unconfirmed>,
    },
    /// Copies a backup and the whole ledger from the buckets of another environment.
    Copy {
        /// The id of the backup; the newest by default.
        backup: Option<String>,
        /// The bucket of the backup.
        backups: String,
        /// The bucket of its ledger.
        erasures: String,
    },
    /// Erases again the users who were erased since, in a database that was restored by other means, and ends its sessions.
    Replay {
        /// As for `Restore`.
        target: String,
        /// The time of the data in it.
        since: DateTime<Utc>,
        /// As for `Restore`.
        unconfirmed: Option<Unconfirmed>,
    },
}

/// The result of a run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    Replayed(Replayed),
    Copied(Copied),
    /// The backups, oldest first.
    List(Catalogue),
    Restored(Restored),
}

/// A backup that was restored.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    pub backup: String,
    /// The time of the data: what was committed later is not in it.
    pub taken_at: DateTime<Utc>,
    pub database: String,
    pub tables: usize,
    pub rows: i64,
    /// Users who were erased after the backup was made, and again now.
    pub erased_again: usize,
    /// Organizations that this leaves without an owner who can act.
    pub ownerless: Vec<OrganizationId>,
    /// Entries of the ledger of which it is unknown whether the users were erased.
    pub unconfirmed: Vec<String>,
    /// The time to read the archive and to compare it with the manifest.
    pub verify_seconds: f64,
    /// The time until the database could be used: the figure of the recovery time objective.
    pub seconds: f64,
}

/// Reads the settings.
pub fn state() -> Result<State, ConfigError> {
    Ok(State::new(Config::from_env(REQUIRED)?))
}

/// Runs the command of the event.
pub async fn run(state: &State, request: Request, job: &Job) -> anyhow::Result<Outcome> {
    let begin = Instant::now();
    let (backup, target, unconfirmed) = match request {
        Request::List => {
            let catalogue = job.deadline.within(RESERVE, Catalogue::read(&state.bucket));
            return Ok(Outcome::List(catalogue.await?));
        }
        Request::Copy { backup, backups, erasures } => {
            let copied = copy::copy(state, &backups, &erasures, backup.as_deref());
            return Ok(Outcome::Copied(job.deadline.within(RESERVE, copied).await?));
        }
        Request::Replay { target, since, unconfirmed } => {
            let replayed = job.deadline.within(RESERVE, replay(state, &target, since, unconfirmed, job));
            return Ok(Outcome::Replayed(replayed.await?));
        }
        // Nothing of a drill stays.
        Request::Drill { backup } => (backup, None, Some(Unconfirmed::Erase)),
        Request::Restore { backup, target, unconfirmed } => (backup, Some(target), unconfirmed),
    };
    let checked = check(state, backup.as_deref(), target.as_deref(), unconfirmed);
    let Checked { manifest, verified, source, target } = job.deadline.within(RESERVE, checked).await?;
    let verify_seconds = begin.elapsed().as_secs_f64();
    let (database, contents, replayed) =
        restore(state, &manifest, &source, target.as_ref(), unconfirmed, job).await?;
    let restored = Restored {
        backup: manifest.id.clone(),
        taken_at: manifest.taken_at,
        database,
        tables: contents.tables.len(),
        rows: contents.rows(),
        erased_again: replayed.erased_again,
        ownerless: replayed.ownerless,
        unconfirmed: replayed.unconfirmed,
        verify_seconds,
        seconds: begin.elapsed().as_secs_f64(),
    };
    if target.is_none() {
        histogram!("RestoreSeconds").record(restored.seconds);
        if !verified {
            state.bucket.put_new(&verified_key(&manifest.id), serde_json::to_vec_pretty(&restored)?).await?;
        }
    }
    Ok(Outcome::Restored(restored))
}

/// The result of the checks before a restore.
struct Checked {
    manifest: Manifest,
    verified: bool,
    source: Source,
    target: Option<Target>,
}

/// Checks the target, the manifest, every byte of the archive, and that the ledger is that of the backup.
async fn check(
    state: &State,
    backup: Option<&str>,
    target: Option<&str>,
    unconfirmed: Option<Unconfirmed>,
) -> anyhow::Result<Checked> {
    let target = match target {
        Some(target) => Some(Target::named(state, target).await?),
        None => None,
    };
    let catalogue = Catalogue::read(&state.bucket).await?;
    let manifest = catalogue.manifest(&state.bucket, backup).await?;
    let source = fetch::verify(&state.bucket, &manifest).await?;
    tracing::info!(backup.id = manifest.id, "archive is what its manifest says");
    Erasures::of(state, &manifest, unconfirmed).await?;
    let verified = catalogue.0.iter().any(|backup| backup.id == manifest.id && backup.verified);
    Ok(Checked { manifest, verified, source, target })
}

/// Restores into a scratch database. If all checks pass, it becomes `target`; in a drill, or after a failure, it is removed.
async fn restore(
    state: &State,
    manifest: &Manifest,
    source: &Source,
    target: Option<&Target>,
    unconfirmed: Option<Unconfirmed>,
    job: &Job,
) -> anyhow::Result<(String, Contents, Replayed)> {
    let server = match target {
        Some(target) => target.url.clone(),
        None => state.url(&state.config.database.address).await?,
    };
    let mut scratch =
        job.deadline.within(RESERVE, Scratch::create(&server, manifest, state.clock.now())).await?;
    let work = async {
        let done =
            restore_into(state, manifest, source, &mut scratch, target.is_some(), unconfirmed, job).await?;
        match target {
            Some(target) => scratch.become_target(target, &manifest.database).await?,
            None => scratch.rehearse(&manifest.database).await?,
        }
        Ok(done)
    };
    let done = job.deadline.within(RESERVE, work).await;
    // Once it has become the target, there is no database with its own names.
    if let Err(error) = scratch.remove().await {
        tracing::error!(database = scratch.name, %error, "scratch database not removed; a later drill will");
    }
    let (contents, replayed) = done?;
    Ok((target.map_or(scratch.name, |target| target.name.to_string()), contents, replayed))
}

/// Repeats the erasures in a database that was restored by other means.
async fn replay(
    state: &State,
    target: &str,
    since: DateTime<Utc>,
    unconfirmed: Option<Unconfirmed>,
    job: &Job,
) -> anyhow::Result<Replayed> {
    let url = target::url(state, target).await?;
    let erasures = Erasures::since(state, since, &url, unconfirmed).await?;
    let replayed = erasures.replay(state, unconfirmed, &url, job).await?;
    let mut connection = db::connect(&url).await?;
    end_what_may_have_ended(&mut connection, state.clock.now()).await?;
    connection.close().await?;
    Ok(replayed)
}

/// Ends all sessions, tokens and invitations: those that ended after the copy was made would be valid again in it.
async fn end_what_may_have_ended(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    store::sessions::revoke_of_all_users(connection, "restored", now).await?;
    store::verification_tokens::withdraw_of_all_users(connection, now).await?;
    store::invitations::revoke_all(connection, now).await
}

/// Restores, compares and repeats the erasures. For use, also ends what may have ended since.
async fn restore_into(
    state: &State,
    manifest: &Manifest,
    source: &Source,
    scratch: &mut Scratch,
    for_use: bool,
    unconfirmed: Option<Unconfirmed>,
    job: &Job,
) -> anyhow::Result<(Contents, Replayed)> {
    scratch.create_roles(manifest).await?;
    scratch.open().await?;
    restore::restore(state, source, &scratch.url).await?;
    tracing::info!(backup.id = manifest.id, database = scratch.name, "archive restored");
    let mut connection = db::connect(&scratch.url).await?;
    database::limit_session(&mut connection, job.deadline.left(Duration::ZERO)).await?;
    let mut contents = database::contents(&mut connection).await?;
    contents.sequences = database::sequences(&mut connection).await?;
    let missing = manifest.contents.missing_in(&contents);
    ensure!(missing.is_empty(), "{} is not what {} was: {}", scratch.name, manifest.id, missing.join("; "));
    let erasures = Erasures::of(state, manifest, unconfirmed).await?;
    let replayed = erasures.replay(state, unconfirmed, &scratch.url, job).await?;
    if for_use {
        end_what_may_have_ended(&mut connection, state.clock.now()).await?;
    }
    database::analyze(&mut connection).await?;
    connection.close().await?;
    Ok((contents, replayed))
}
