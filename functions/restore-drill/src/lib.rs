//! Every day: the newest backup, restored and compared. For real when someone says where to.

mod erasures;
mod fetch;
mod restore;
mod target;

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use metrics::gauge;
use serde::{Deserialize, Serialize};
use shared::{
    backup::{Catalogue, Manifest, State, verified_key},
    config::{Config, ConfigError},
    ids::OrganizationId,
    job::Job,
    outside::storage::Source,
    store::{self, database},
};
use tokio::time::{Instant, timeout};

use crate::target::Target;

/// What the command prints when it is asked wrongly.
pub const USAGE: &str = r#"usage: restore-drill '{"command": "list"}'
       restore-drill '{"command": "drill"}'
       restore-drill '{"command": "restore", "target": "arches_restored"}'

Lists the backups in BACKUP_BUCKET; restores one into a scratch database on the server of DATABASE_URL, compares and removes
it; or restores it for real, into an empty database: a name on the same server, a postgresql:// URL, or a reference to the
secret that holds one. "backup": "<id>" chooses another than the newest."#;

/// What is kept back of the function's time, to remove the scratch database and to say so.
const RESERVE: Duration = Duration::from_secs(10);

/// The event.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Say which backups there are.
    List,
    /// Restore one into a scratch database, compare it, remove it.
    Drill {
        /// Which; the newest unless told otherwise.
        backup: Option<String>,
    },
    /// Restore one for real.
    Restore {
        /// Which; the newest unless told otherwise.
        backup: Option<String>,
        /// An empty database: its name on the server of `DATABASE_URL`; or its URL, where the system is deployed by reference to
        /// the secret that holds it.
        target: String,
    },
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The backups, oldest first.
    List(Catalogue),
    /// One was restored.
    Restored(Restored),
}

/// A backup that was restored.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// Which.
    pub backup: String,
    /// Of which moment it is: what was committed later is not in it.
    pub taken_at: DateTime<Utc>,
    /// Into which database.
    pub database: String,
    /// How many tables it has.
    pub tables: usize,
    /// How many rows.
    pub rows: i64,
    /// Users who were erased after the backup was made, and now once more.
    pub erased_again: usize,
    /// Organizations that this leaves with nobody who owns them and can act.
    pub ownerless: Vec<OrganizationId>,
    /// How long it took to read every byte and to compare it with the manifest.
    pub verify_seconds: f64,
    /// How long it took until the database could be used: what the recovery time objective is about.
    pub seconds: f64,
}

/// Reads the settings.
pub fn state() -> Result<State, ConfigError> {
    Ok(State::new(Config::from_env(&["DATABASE_URL", "BACKUP_BUCKET", "ERASURE_BUCKET"])?))
}

/// Does as it is told; tells how old the newest backups are, also if it fails.
pub async fn run(state: &State, request: Request, job: &Job) -> anyhow::Result<Outcome> {
    let catalogue = Catalogue::read(&state.bucket).await?;
    let done = match request {
        Request::List => return Ok(Outcome::List(catalogue)),
        Request::Drill { backup } => drill(state, &catalogue, backup.as_deref(), job).await,
        Request::Restore { backup, target } => {
            for_real(state, &catalogue, backup.as_deref(), &target, job).await
        }
    };
    Catalogue::read(&state.bucket).await?.measure(state.clock.now());
    done.map(Outcome::Restored)
}

async fn drill(
    state: &State,
    catalogue: &Catalogue,
    backup: Option<&str>,
    job: &Job,
) -> anyhow::Result<Restored> {
    let manifest = catalogue.manifest(&state.bucket, backup).await?;
    let begin = Instant::now();
    let source = fetch::verify(&state.bucket, &manifest).await?;
    let url = state.secrets.get(&state.config.database.url).await?;
    let mut target = Target::scratch(state, &url, state.clock.now()).await?;
    let restored = into(state, &manifest, &source, begin, &mut target, job).await;
    let removed = target.remove().await;
    let restored = restored?;
    removed?;
    gauge!("RestoreSeconds").set(restored.seconds);
    if !catalogue.0.iter().any(|backup| backup.id == manifest.id && backup.verified) {
        state.bucket.put_new(&verified_key(&manifest.id), serde_json::to_vec_pretty(&restored)?).await?;
    }
    Ok(restored)
}

async fn for_real(
    state: &State,
    catalogue: &Catalogue,
    backup: Option<&str>,
    target: &str,
    job: &Job,
) -> anyhow::Result<Restored> {
    let url = target::url(state, target).await?;
    let manifest = catalogue.manifest(&state.bucket, backup).await?;
    let begin = Instant::now();
    let source = fetch::verify(&state.bucket, &manifest).await?;
    let mut target = Target::empty(state, &url).await?;
    let restored = into(state, &manifest, &source, begin, &mut target, job).await?;
    let mut connection = state.connect(&target.url).await?;
    // What was ended or used up since the backup would be good again.
    store::sessions::revoke_everyones(&mut connection, "restored", state.clock.now()).await?;
    store::verification_tokens::consume_everyones(&mut connection, state.clock.now()).await?;
    Ok(restored)
}

/// Restores, compares and erases again, before the function's time is over.
async fn into(
    state: &State,
    manifest: &Manifest,
    source: &Source,
    begin: Instant,
    target: &mut Target,
    job: &Job,
) -> anyhow::Result<Restored> {
    let verify_seconds = begin.elapsed().as_secs_f64();
    tracing::info!(backup.id = manifest.id, "archive is what its manifest says");
    let work = async {
        // Whether the ledger can be read shows before anything is done.
        erasures::since(state, manifest.taken_at).await?;
        target.create_roles(&manifest.contents.roles).await?;
        restore::restore(state, source, &target.url).await?;
        tracing::info!(backup.id = manifest.id, database = target.name, "archive restored");
        let mut connection = state.connect(&target.url).await?;
        let contents = database::contents(&mut connection).await?;
        let missing = manifest.contents.missing_in(&contents);
        ensure!(
            missing.is_empty(),
            "{} is not what {} was: {}",
            target.name,
            manifest.id,
            missing.join("; ")
        );
        let replayed = erasures::replay(state, manifest.taken_at, &target.url, job).await?;
        database::analyze(&mut connection).await?;
        Ok((contents, replayed))
    };
    let (contents, replayed) = match job.deadline.left(RESERVE) {
        Some(left) => timeout(left, work).await.context("the function's time is over").flatten()?,
        None => work.await?,
    };
    Ok(Restored {
        backup: manifest.id.clone(),
        taken_at: manifest.taken_at,
        database: target.name.clone(),
        tables: contents.tables.len(),
        rows: contents.rows(),
        erased_again: replayed.users,
        ownerless: replayed.ownerless,
        verify_seconds,
        seconds: begin.elapsed().as_secs_f64(),
    })
}
