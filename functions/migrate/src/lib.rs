//! Brings the schema up to date; the only function that may alter it.
//!
//! Runs before a deployment moves traffic, with the owner's credentials and straight to the database: a pooler would
//! lose the lock that keeps two runs apart.

mod appoint;
mod logins;
mod rotation;
mod scram;

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use shared::{
    aws::{
        cloudformation::{Answered, Call, Resource},
        secret_rotation::Rotation,
        secrets::Secrets,
    },
    config::Config,
    db,
    lambda::job::Job,
    store::database,
};
use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, Migrator},
};

pub use appoint::{Appointed, appoint};
pub use logins::make as make_logins;
pub use rotation::Rotated;

/// Every migration there is, compiled in: a deployment is one artifact.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// The advisory lock that a run holds; any number would do.
const LOCK: i64 = 0x6172_6368_6573;
/// How often a run that waits for another looks again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a statement may wait for a lock.
const LOCK_TIMEOUT: &str = "5s";

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["DATABASE_URL"];

/// What a deployment makes: the schema as this release needs it, and the logins.
const SCHEMA: Resource = Resource { kind: "Custom::Migrations", id: "schema" };

/// The event: `{"command": "up"}`, `{"command": "status"}`, `{"command": "logins"}` or
/// `{"command": "appoint", "email": "ada@example.com"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Apply what is missing.
    Up,
    /// Say what is there and what is missing.
    Status,
    /// Make the logins of the other functions, with the passwords that their secrets have now.
    Logins,
    /// Make someone an administrator of the system.
    Appoint {
        /// The proved address of their account.
        email: String,
    },
}

impl Request {
    /// Reads a command line's arguments.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        match arguments[..] {
            ["up"] => Some(Self::Up),
            ["status"] => Some(Self::Status),
            ["logins"] => Some(Self::Logins),
            ["appoint", email] => Some(Self::Appoint { email: email.to_owned() }),
            _ => None,
        }
    }
}

/// A request, or a step that Secrets Manager asks for.
#[derive(Debug)]
pub enum Task {
    /// Of a person or a script.
    Request(Request),
    /// Of a rotation of a login's password.
    Rotation(Rotation),
}

impl<'de> Deserialize<'de> for Task {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        let task = if event.get("Step").is_some() {
            serde_json::from_value(event).map(Self::Rotation)
        } else {
            serde_json::from_value(event).map(Self::Request)
        };
        task.map_err(D::Error::custom)
    }
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The schema, looked at or changed.
    Schema(Report),
    /// Who can log in now.
    Logins {
        /// Their names.
        logins: BTreeSet<String>,
    },
    /// Someone was appointed.
    Appointed(Appointed),
    /// A step of a rotation was made.
    Rotated(Rotated),
    /// A deployment was told.
    Answered(Answered),
}

/// What the schema is now.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The newest version applied.
    pub version: Option<i64>,
    /// What this run applied, oldest first.
    pub applied: Vec<String>,
    /// What is still missing, oldest first.
    pub pending: Vec<String>,
}

/// Does as it is told, by a deployment or by a person.
pub async fn run(call: Call<Task>, job: &Job) -> anyhow::Result<Outcome> {
    match call {
        Call::Own(task) => Box::pin(obey(&task))
            .await
            .inspect_err(|error| tracing::error!(error = format!("{error:#}"), "migration failed")),
        Call::Resource(event) => {
            let deploy = Box::pin(async {
                for request in [Request::Up, Request::Logins] {
                    obey(&Task::Request(request)).await?;
                }
                Ok(())
            });
            event.answered(&SCHEMA, job.deadline, deploy).await.map(Outcome::Answered)
        }
    }
}

/// Reads the settings, connects and does as it is told.
async fn obey(task: &Task) -> anyhow::Result<Outcome> {
    let config = Config::from_env(REQUIRED)?;
    let secrets = Secrets::default();
    let url = secrets.resolve(&config.database.address).await?;
    let url = db::direct_url(&url, config.database.require_tls)?;
    let mut connection = db::connect(&url).await?;
    let outcome = match task {
        Task::Request(Request::Up) => up(&mut connection).await.map(Outcome::Schema),
        Task::Request(Request::Status) => status(&mut connection).await.map(Outcome::Schema),
        Task::Request(Request::Logins) => make_logins(&mut connection, &config.logins, &secrets)
            .await
            .map(|logins| Outcome::Logins { logins }),
        Task::Request(Request::Appoint { email }) => {
            appoint(&mut connection, email).await.map(Outcome::Appointed)
        }
        Task::Rotation(rotation) => {
            rotation::rotate(&mut connection, &url, &config.logins, rotation).await.map(Outcome::Rotated)
        }
    };
    let closed = connection.close().await;
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

/// Applies what is missing. Of two runs at once, one waits for the other and then finds nothing to do.
pub async fn up(connection: &mut PgConnection) -> anyhow::Result<Report> {
    lock(connection).await?;
    let applied = apply(connection).await;
    let unlocked = database::unlock(connection, LOCK).await;
    let applied = applied?;
    unlocked?;
    let after = status(connection).await?;
    tracing::info!(version = after.version, applied = applied.len(), "schema migrated");
    Ok(Report { applied, ..after })
}

async fn apply(connection: &mut PgConnection) -> anyhow::Result<Vec<String>> {
    let before = status(connection).await?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await?;
    let unknown = applied.iter().filter(|done| !MIGRATOR.version_exists(done.version)).count();
    // After a rollback the schema is that of a later release, which suits this one (migrations/README.md). Where each has
    // what the other lacks, neither was made from the other.
    let is_later = unknown > 0 && before.pending.is_empty();
    if is_later {
        tracing::warn!(version = before.version, unknown, "the schema is a later release's; left as it is");
    }
    let migrator = Migrator {
        migrations: MIGRATOR.migrations.clone(),
        locking: false,
        ignore_missing: is_later,
        ..Migrator::DEFAULT
    };
    let is_missing = |version| applied.iter().all(|done| done.version != version);
    for migration in MIGRATOR.iter().filter(|migration| is_missing(migration.version)) {
        // A build that goes on beside others may wait for them; anything else would make the whole API queue behind it.
        let patience = if migration.no_tx { "0" } else { LOCK_TIMEOUT };
        database::set_lock_timeout(connection, patience).await?;
        migrator.run_direct(Some(migration.version), &mut *connection, false).await?;
    }
    // Nothing is missing now, so this only compares what was applied with what is here.
    migrator.run_direct(None, &mut *connection, false).await?;
    Ok(before.pending)
}

/// Waits for the lock by asking again and again.
///
/// A blocking `pg_advisory_lock` would hold a snapshot while it waits, and `CREATE INDEX CONCURRENTLY` of the run that has
/// the lock waits for every snapshot: the two would deadlock.
async fn lock(connection: &mut PgConnection) -> anyhow::Result<()> {
    while !database::try_lock(connection, LOCK).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Says what is there and what is missing; fails if something is there only in part.
pub async fn status(connection: &mut PgConnection) -> anyhow::Result<Report> {
    let table = &MIGRATOR.table_name;
    connection.ensure_migrations_table(table).await?;
    if let Some(version) = connection.dirty_version(table).await? {
        anyhow::bail!("migration {version} was interrupted; see docs/runbooks/migration-interrupted.md");
    }
    let invalid = database::invalid_indexes(connection).await?;
    if !invalid.is_empty() {
        anyhow::bail!("invalid indexes: {}; see docs/runbooks/migration-interrupted.md", invalid.join(", "));
    }
    let applied = connection.list_applied_migrations(table).await?;
    let pending = MIGRATOR
        .iter()
        .filter(|migration| applied.iter().all(|done| done.version != migration.version))
        .map(|migration| format!("{} {}", migration.version, migration.description))
        .collect();
    Ok(Report { version: applied.iter().map(|done| done.version).max(), applied: Vec::new(), pending })
}
