//! Restores the newest backup every day and compares it with its manifest. Restores for use if the event names a target.

mod copy;
mod erasures;
mod fetch;
mod restore;
mod target;

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use metrics::histogram;
use serde::{Deserialize, Serialize};
use shared::{
    aws::s3::Source,
    backup::{Catalogue, Choice, Manifest, State, verified_key},
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
secret that holds one. "backup": "<id>" chooses another than the newest. "version": "<id>" chooses a version of its manifest that a
delete marker or a newer version hides. "manifestSha256": "<hex>" trusts the manifest with this hash without its MAC.
"replay" erases again, in a database that was restored by other means, the users who were erased since.
"copy" copies a backup and its ledger of erasures from the buckets of another environment, whose key is BACKUP_MAC_KEY.
"unconfirmed": "erase" or "keep" says what to do with users of whom it is unknown whether they were erased."#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["DATABASE_URL", "BACKUP_BUCKET", "BACKUP_MAC_KEY", "ERASURE_BUCKET"];

/// Time kept at the end of the run to remove the scratch database and to report.
pub const RESERVE: Duration = Duration::from_secs(20);

/// The event.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// Lists the backups.
    List,
    /// Restores a backup into a scratch database, compares it and removes it.
    Drill {
        /// The id of the backup; the newest by default.
        backup: Option<String>,
        /// The version of its manifest; the current one by default.
        version: Option<String>,
        /// The SHA-256 of its manifest, which then needs no MAC.
        manifest_sha256: Option<String>,
    },
    /// Restores a backup for use.
    Restore {
        /// As for `Drill`.
        backup: Option<String>,
        /// As for `Drill`.
        version: Option<String>,
        /// As for `Drill`.
        manifest_sha256: Option<String>,
        /// An empty database: its name on the server of `DATABASE_URL`, or its URL. Where the system is deployed, the URL is a
        /// reference to a secret.
        target: String,
        /// Without it, such entries of the ledger are refused.
        unconfirmed: Option<Unconfirmed>,
    },
    /// Copies a backup and the whole ledger from the buckets of another environment.
    Copy {
        /// As for `Drill`.
        backup: Option<String>,
        /// As for `Drill`.
        version: Option<String>,
        /// As for `Drill`.
        manifest_sha256: Option<String>,
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
    let (backup, version, manifest_sha256, target, unconfirmed) = match request {
        Request::List => {
            let catalogue = job.deadline.within(RESERVE, Catalogue::read(&state.bucket));
            return Ok(Outcome::List(catalogue.await?));
        }
        Request::Copy { backup, version, manifest_sha256, backups, erasures } => {
            let choice = Choice {
                backup: backup.as_deref(),
                version: version.as_deref(),
                manifest_sha256: manifest_sha256.as_deref(),
            };
            let copied = copy::copy(state, &backups, &erasures, choice);
            return Ok(Outcome::Copied(job.deadline.within(RESERVE, copied).await?));
        }
        Request::Replay { target, since, unconfirmed } => {
            let replayed = job.deadline.within(RESERVE, replay(state, &target, since, unconfirmed, job));
            return Ok(Outcome::Replayed(replayed.await?));
        }
        // Nothing of a drill stays.
        Request::Drill { backup, version, manifest_sha256 } => {
            (backup, version, manifest_sha256, None, Some(Unconfirmed::Erase))
        }
        Request::Restore { backup, version, manifest_sha256, target, unconfirmed } => {
            (backup, version, manifest_sha256, Some(target), unconfirmed)
        }
    };
    let choice = Choice {
        backup: backup.as_deref(),
        version: version.as_deref(),
        manifest_sha256: manifest_sha256.as_deref(),
    };
    let checked = check(state, choice, target.as_deref(), unconfirmed);
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
        // The scheduled drill. One of a chosen backup may be the answer to a failure of this.
        if choice.backup.is_none() {
            job.deadline.within(RESERVE, tidy(state)).await?;
        }
    }
    Ok(Outcome::Restored(restored))
}

/// Marks old backups for the lifecycle of the bucket. Fails if a delete marker hides a backup that is not old.
async fn tidy(state: &State) -> anyhow::Result<()> {
    let (catalogue, now) = (Catalogue::read(&state.bucket).await?, state.clock.now());
    let marked = catalogue.mark_expired(&state.bucket, now).await?;
    tracing::info!(backups = marked, "old backups marked for the lifecycle");
    let hidden = catalogue.hidden_early(now);
    ensure!(
        hidden.is_empty(),
        "backups are hidden by delete markers: {}; see docs/runbooks/backup-hidden.md",
        hidden.join(", ")
    );
    Ok(())
}

/// The result of the checks before a restore.
struct Checked {
    manifest: Manifest,
    verified: bool,
    source: Source,
    target: Option<Target>,
}

/// Checks the target, the MAC of the manifest, every byte of the archive, and that the ledger is that of the backup.
async fn check(
    state: &State,
    choice: Choice<'_>,
    target: Option<&str>,
    unconfirmed: Option<Unconfirmed>,
) -> anyhow::Result<Checked> {
    let target = match target {
        Some(target) => Some(Target::named(state, target).await?),
        None => None,
    };
    let catalogue = Catalogue::read(&state.bucket).await?;
    let backup = catalogue.find(choice.backup)?;
    let text = choice.authentic(&state.bucket, &state.mac_key, backup).await?;
    let manifest = Manifest::read(&backup.id, &text)?;
    let source = fetch::verify(&state.bucket, backup, &manifest, choice.version.is_some()).await?;
    tracing::info!(backup.id = manifest.id, "archive is what its manifest says");
    Erasures::of(state, &manifest, unconfirmed).await?;
    Ok(Checked { manifest, verified: backup.verified, source, target })
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
    let created = Scratch::create(&server, manifest, state.clock.now(), job);
    let mut scratch = job.deadline.within(RESERVE, created).await?;
    let work = async {
        let done =
            restore_into(state, manifest, source, &mut scratch, target.is_some(), unconfirmed, job).await?;
        scratch.hand_over().await.context("the restored database was not handed over to the owner")?;
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

/// Ends all sessions, begun sign-ins, tokens and invitations: those that ended after the copy was made would be valid again in it.
async fn end_what_may_have_ended(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    store::sessions::revoke_of_all_users(connection, "restored", now).await?;
    store::sign_in_challenges::end_of_all_users(connection, now).await?;
    store::verification_tokens::withdraw_of_all_users(connection, now).await?;
    store::invitations::revoke_all(connection, now).await
}

/// Restores, compares and repeats the erasures. For use, also ends what may have ended since. All of it runs as the restoring role:
/// counting rows, changing them and `ANALYZE` call functions of the archive.
async fn restore_into(
    state: &State,
    manifest: &Manifest,
    source: &Source,
    scratch: &mut Scratch,
    for_use: bool,
    unconfirmed: Option<Unconfirmed>,
    job: &Job,
) -> anyhow::Result<(Contents, Replayed)> {
    scratch.prepare(manifest).await?;
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
