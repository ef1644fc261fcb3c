//! Applies migrations, and does what else needs the owner of the database: logins, the first administrator, imports of users, organizations
//! that an operator restores. The only function that may change the schema.
//!
//! A deployment runs it before it moves traffic. It connects as the owner and directly to the database: through a pooler it would
//! lose the lock that serializes runs.

mod addresses;
mod appoint;
pub mod import;
mod logins;
mod restore;
mod rotation;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

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
    domain::{clock::SystemClock, ids::OrganizationId},
    lambda::job::Job,
    store::database,
};
use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, Migrator},
};

pub use addresses::Unconverted;
pub use appoint::{Appointed, appoint};
use import::Import;
pub use logins::make as make_logins;
pub use restore::{Restored, restore};
pub use rotation::Rotated;

/// All migrations, compiled in: a deployment is one artifact.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// The key of the advisory lock of a migration. The value has no meaning.
const MIGRATION_LOCK: i64 = 0x6172_6368_6573;
/// The key of the advisory lock of a change of a login, which does not wait for a migration.
const LOGINS_LOCK: i64 = 0x6c6f_6769_6e73;
/// Time between two attempts to take the lock.
const LOCK_RETRY_DELAY: Duration = Duration::from_millis(200);
/// The time that a statement waits for a table lock.
const LOCK_TIMEOUT: &str = "5s";

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &["DATABASE_URL"];

/// The custom resource with which a deployment applies migrations and creates logins.
const SCHEMA: Resource = Resource { kind: "Custom::Migrations", id: "schema" };

/// The event: `{"command": "up"}`, `{"command": "status"}`, `{"command": "logins"}`,
/// `{"command": "appoint", "email": "ada@example.com"}`, `{"command": "restore-organization", "organization": "<id>"}` or
/// `{"command": "import-users", "from": "auth0", "file": "imports/users.ndjson", "dryRun": true}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Apply missing migrations.
    Up,
    /// List applied and missing migrations.
    Status,
    /// Create or update the logins of the other functions, with the passwords in their secrets.
    Logins,
    /// Appoint an administrator of the system.
    Appoint {
        /// The verified address of the account.
        email: String,
    },
    /// Restore a deleted organization.
    #[serde(rename = "restore-organization")]
    RestoreOrganization {
        /// Its id.
        organization: OrganizationId,
    },
    /// Import the users of another system.
    #[serde(rename = "import-users")]
    ImportUsers(Import),
}

impl Request {
    /// Parses the arguments of a command line.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        match arguments[..] {
            ["up"] => Some(Self::Up),
            ["status"] => Some(Self::Status),
            ["logins"] => Some(Self::Logins),
            ["appoint", email] => Some(Self::Appoint { email: email.to_owned() }),
            ["restore-organization", id] => {
                let organization = OrganizationId(id.parse().ok()?);
                Some(Self::RestoreOrganization { organization })
            }
            ["import-users", ref rest @ ..] => Import::parse(rest).map(Self::ImportUsers),
            _ => None,
        }
    }
}

/// A request, or a step of a rotation.
#[derive(Debug)]
pub enum Task {
    /// From a person or a script.
    Request(Request),
    /// From Secrets Manager, to rotate the password of a login.
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

/// The result of a run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Of `up` and `status`.
    Schema(Report),
    /// The names of the logins.
    Logins {
        logins: BTreeSet<String>,
    },
    Appointed(Appointed),
    Restored(Restored),
    /// Of an import of users.
    Imported(Box<import::Report>),
    /// Of a step of a rotation.
    Rotated(Rotated),
    /// Of a deployment, whose custom resource was answered.
    Answered(Answered),
}

/// The state of the schema.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The newest applied migration.
    pub version: Option<i64>,
    /// Migrations that this run applied, oldest first.
    pub applied: Vec<String>,
    /// Missing migrations, oldest first.
    pub pending: Vec<String>,
    /// Mail addresses that have no form which can be delivered to, or whose form another row has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unconverted: Vec<Unconverted>,
}

/// Handles an event of a deployment, of Secrets Manager or of a person.
pub async fn run(call: Call<Task>, job: &Job) -> anyhow::Result<Outcome> {
    let done = match call {
        Call::Own(task) => Box::pin(execute(&task, job)).await,
        Call::Resource(event) => {
            let deploy = Box::pin(async {
                for request in [Request::Up, Request::Logins] {
                    execute(&Task::Request(request), job).await?;
                }
                Ok(())
            });
            event.handle(&SCHEMA, job.deadline, deploy).await.map(Outcome::Answered)
        }
    };
    done.inspect_err(|error| tracing::error!(error = format!("{error:#}"), "migration failed"))
}

/// Reads the settings, connects and executes `task`.
async fn execute(task: &Task, job: &Job) -> anyhow::Result<Outcome> {
    let config = Config::from_env(REQUIRED)?;
    let secrets = Secrets::default();
    let url = secrets.resolve(&config.database.address).await?;
    let url = db::direct_url(&url, config.database.require_tls)?;
    let mut connection = db::connect(&url).await?;
    database::limit_session(&mut connection, job.deadline.left(Duration::ZERO)).await?;
    let outcome = match task {
        Task::Request(Request::Up) => up(&mut connection).await.map(Outcome::Schema),
        Task::Request(Request::Status) => status(&mut connection).await.map(Outcome::Schema),
        Task::Request(Request::Logins) => {
            let make =
                async |connection: &mut PgConnection| make_logins(connection, &config.logins, &secrets).await;
            with_lock(&mut connection, LOGINS_LOCK, make).await.map(|logins| Outcome::Logins { logins })
        }
        Task::Request(Request::Appoint { email }) => {
            appoint(&mut connection, email).await.map(Outcome::Appointed)
        }
        Task::Request(Request::RestoreOrganization { organization }) => {
            restore(&config.database, &url, *organization, Arc::new(SystemClock), job)
                .await
                .map(Outcome::Restored)
        }
        Task::Request(Request::ImportUsers(import)) => import::run(&mut connection, import, &config, job)
            .await
            .map(|report| Outcome::Imported(Box::new(report))),
        Task::Rotation(rotation) => {
            let rotate = async |connection: &mut PgConnection| {
                rotation::rotate(connection, &url, &config.logins, rotation).await
            };
            with_lock(&mut connection, LOGINS_LOCK, rotate).await.map(Outcome::Rotated)
        }
    };
    let closed = connection.close().await;
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

/// Applies missing migrations. Safe to run concurrently: one run waits for the other, then has nothing to do.
pub async fn up(connection: &mut PgConnection) -> anyhow::Result<Report> {
    let (applied, unconverted) = with_lock(connection, MIGRATION_LOCK, apply).await?;
    let after = status(connection).await?;
    tracing::info!(version = after.version, applied = applied.len(), "schema migrated");
    Ok(Report { applied, unconverted, ..after })
}

async fn apply(connection: &mut PgConnection) -> anyhow::Result<(Vec<String>, Vec<Unconverted>)> {
    let before = status(connection).await?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await?;
    let unknown = applied.iter().filter(|done| !MIGRATOR.version_exists(done.version)).count();
    // After a rollback the schema is that of a later release, which works with this one (migrations/README.md). If each side has
    // migrations that the other lacks, they are from different branches, and sqlx fails.
    let is_later = unknown > 0 && before.pending.is_empty();
    if is_later {
        tracing::warn!(version = before.version, unknown, "schema of a later release, not changed");
    }
    let migrator = Migrator {
        migrations: MIGRATOR.migrations.clone(),
        locking: false,
        ignore_missing: is_later,
        ..Migrator::DEFAULT
    };
    let is_missing = |version| applied.iter().all(|done| done.version != version);
    for migration in MIGRATOR.iter().filter(|migration| is_missing(migration.version)) {
        // A concurrent index build may wait for other transactions without blocking them. Any other statement that waits for a lock
        // makes all later statements on that table wait too.
        let lock_timeout = if migration.no_tx { "0" } else { LOCK_TIMEOUT };
        database::set_lock_timeout(connection, lock_timeout).await?;
        migrator.run_direct(Some(migration.version), &mut *connection, false).await?;
    }
    // Nothing is missing now: this only compares the checksums of applied migrations with those compiled in.
    migrator.run_direct(None, &mut *connection, false).await?;
    let unconverted =
        if before.pending.is_empty() { Vec::new() } else { addresses::convert(connection).await? };
    Ok((before.pending, unconverted))
}

/// Does `work` while no other run has the lock `key`. Retries until the lock is free.
///
/// A blocking `pg_advisory_lock` would hold a snapshot while it waits. `CREATE INDEX CONCURRENTLY` in the run that has the lock waits
/// for every snapshot, so both runs would deadlock.
async fn with_lock<T>(
    connection: &mut PgConnection,
    key: i64,
    work: impl AsyncFnOnce(&mut PgConnection) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    while !database::try_lock(connection, key).await? {
        tokio::time::sleep(LOCK_RETRY_DELAY).await;
    }
    let done = work(connection).await;
    let unlocked = database::unlock(connection, key).await;
    let done = done?;
    unlocked?;
    Ok(done)
}

/// Lists applied and missing migrations. Fails if one was applied only in part.
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
    Ok(Report {
        version: applied.iter().map(|done| done.version).max(),
        applied: Vec::new(),
        pending,
        unconverted: Vec::new(),
    })
}
