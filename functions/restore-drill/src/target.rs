//! The databases that backups are restored into.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use shared::{
    backup::{Manifest, State},
    config::Setting,
    db,
    domain::database_name::{DatabaseName, SCRATCH_PREFIX},
    store::{database, database_properties::DatabaseProperties, databases},
};
use sqlx::{Connection, PgConnection, error::DatabaseError};
use url::Url;
use uuid::Uuid;

/// The database to connect to in order to create others (PostgreSQL manual, 22.3).
const MAINTENANCE: &str = "postgres";
/// Seconds after which a scratch database without connections counts as abandoned.
const ABANDONED: i64 = 3_600;
/// Attempts to rename a database. PostgreSQL waits 5 s in each for connections that end.
const IN_USE_ATTEMPTS: u32 = 5;
/// SQLSTATE `object_in_use`: there are connections to the database.
const IN_USE: &str = "55006";

/// A database that a backup is restored into, before it is removed or becomes the target.
///
/// Only its owner may connect to it, and superusers. Before it is renamed, no one may.
pub struct Scratch {
    pub url: String,
    pub name: String,
    /// The name that a drill gives it as its last step. In a restore, the name of the database that it replaces.
    second_name: String,
    maintenance: PgConnection,
    /// An existing database that refuses connections until it is replaced.
    closed: Option<String>,
}

/// The database that the event names.
pub struct Target {
    pub url: String,
    pub name: DatabaseName,
}

impl Scratch {
    /// Creates one on the server of the database at `url`, for the backup `manifest`. Removes abandoned ones first.
    pub async fn create(url: &str, manifest: &Manifest, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let mut maintenance = db::connect(&with_database(url, MAINTENANCE)?).await?;
        for name in database::named(&mut maintenance, SCRATCH_PREFIX).await? {
            if made_at(&name).is_some_and(|made| now.timestamp() - made > ABANDONED)
                && let Err(error) = database::remove_unused(&mut maintenance, &name).await
            {
                tracing::warn!(database = name, %error, "abandoned database not removed");
            }
        }
        let [name, second_name] = [Uuid::new_v4(), Uuid::new_v4()]
            .map(|id| format!("{SCRATCH_PREFIX}{}_{}", now.timestamp(), id.simple()));
        databases::create(&mut maintenance, &name, &manifest.database)
            .await
            .context("the database was not created with the encoding and the locale of the backup")?;
        Ok(Self { url: with_database(url, &name)?, name, second_name, maintenance, closed: None })
    }

    /// Allows connections: of its owner and of superusers only.
    pub async fn open(&mut self) -> sqlx::Result<()> {
        databases::allow_connections(&mut self.maintenance, &self.name, true).await
    }

    /// Creates the roles that the grants and settings of the backup name and the server does not have.
    pub async fn create_roles(&mut self, manifest: &Manifest) -> sqlx::Result<()> {
        for role in manifest.contents.roles.iter().chain(manifest.database.roles()) {
            database::create_role(&mut self.maintenance, role).await?;
        }
        Ok(())
    }

    /// Replaces the empty database `target`. If that fails, `target` is unchanged.
    pub async fn become_target(
        &mut self,
        target: &Target,
        properties: &DatabaseProperties,
    ) -> anyhow::Result<()> {
        let exists = self.close_empty(target).await?;
        self.finish(target.name.as_str(), exists, properties).await
    }

    /// Does in a drill what [`Self::become_target`] does in a restore, so that a drill fails if a restore would.
    pub async fn rehearse(&mut self, properties: &DatabaseProperties) -> anyhow::Result<()> {
        let name = self.second_name.clone();
        self.finish(&name, false, properties).await
    }

    /// Disconnects others from the database `target`, refuses them, and checks that it is empty: nothing can be added between this
    /// check and the replacement. Returns whether the database exists.
    async fn close_empty(&mut self, target: &Target) -> anyhow::Result<bool> {
        let name = target.name.as_str();
        if !database::exists(&mut self.maintenance, name).await? {
            return Ok(false);
        }
        // Checked before too: nobody is disconnected from a database that is in use.
        target.require_empty(&mut self.maintenance).await?;
        let mut connection = db::connect(&target.url).await?;
        let pid = databases::backend_pid(&mut connection).await?;
        self.closed = Some(name.to_owned());
        databases::allow_connections(&mut self.maintenance, name, false).await?;
        databases::end_connections(&mut self.maintenance, name, Some(pid)).await?;
        target.check_empty(&mut connection).await?;
        connection.close().await?;
        Ok(true)
    }

    /// Gives the database the name `name` and the properties that the archive does not contain, compares them, and allows
    /// connections: all or nothing. If `name` exists, that database gets the second name, and is removed with this one.
    async fn finish(
        &mut self,
        name: &str,
        exists: bool,
        properties: &DatabaseProperties,
    ) -> anyhow::Result<()> {
        let Self { name: scratch, second_name, maintenance, .. } = self;
        databases::allow_connections(maintenance, scratch, false).await?;
        let mut attempt = 1;
        loop {
            for used in [Some(&**scratch), exists.then_some(name)].into_iter().flatten() {
                databases::end_connections(maintenance, used, None).await?;
            }
            let mut transaction = maintenance.begin().await?;
            let renamed = async {
                if exists {
                    database::rename(&mut transaction, name, second_name).await?;
                }
                database::rename(&mut transaction, scratch, name).await
            };
            match renamed.await {
                Err(error) if attempt < IN_USE_ATTEMPTS && is_in_use(&error) => {
                    tracing::warn!(database = name, attempt, %error, "database in use");
                    transaction.rollback().await?;
                    attempt += 1;
                    continue;
                }
                renamed => renamed?,
            }
            databases::apply(&mut transaction, name, properties).await?;
            let copy = databases::properties(&mut transaction, name).await?;
            let missing = properties.missing_in(&copy);
            ensure!(
                missing.is_empty(),
                "{name} does not have the properties of the backup: {}",
                missing.join("; ")
            );
            databases::allow_connections(&mut transaction, name, true).await?;
            transaction.commit().await?;
            self.closed = None;
            return Ok(());
        }
    }

    /// Removes the databases with its two names. If a target was closed and not replaced, allows connections to it again.
    pub async fn remove(&mut self) -> sqlx::Result<()> {
        let reopened = match self.closed.take() {
            Some(target) => databases::allow_connections(&mut self.maintenance, &target, true).await,
            None => Ok(()),
        };
        for name in [&self.name, &self.second_name] {
            if database::exists(&mut self.maintenance, name).await? {
                databases::allow_connections(&mut self.maintenance, name, false).await?;
                database::remove(&mut self.maintenance, name).await?;
            }
        }
        reopened
    }
}

impl Target {
    /// Finds the database that `target` names. Refuses one that is not empty.
    pub async fn named(state: &State, target: &str) -> anyhow::Result<Self> {
        let url = url(state, target).await?;
        let target = Self { name: name_in(&url)?, url };
        let mut maintenance = db::connect(&with_database(&target.url, MAINTENANCE)?).await?;
        target.require_empty(&mut maintenance).await?;
        maintenance.close().await?;
        Ok(target)
    }

    async fn require_empty(&self, maintenance: &mut PgConnection) -> anyhow::Result<()> {
        if !database::exists(maintenance, self.name.as_str()).await? {
            return Ok(());
        }
        let mut connection = db::connect(&self.url).await?;
        self.check_empty(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Fails if the database of `connection` is not empty.
    async fn check_empty(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let (is_empty, name) = (database::is_empty(connection).await?, &self.name);
        ensure!(is_empty, "the database {name} is not empty: a backup is restored into an empty one only");
        Ok(())
    }
}

fn is_in_use(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == IN_USE)
}

/// Returns the URL of `target`: the name of a database on the server of `DATABASE_URL`, a whole URL, or a reference to one.
pub async fn url(state: &State, target: &str) -> anyhow::Result<String> {
    let url = if target.contains(':') {
        let setting = Setting::read(target);
        let plain = matches!(setting, Setting::Plain(_));
        ensure!(
            !(plain && state.config.application.environment.is_deployed()),
            "the target is a value; here it must be a name, or a reference to a secret: <ARN>:<json-key>::"
        );
        state.url(&setting.into()).await?
    } else {
        // Before it becomes part of a URL, in which "?" has a meaning.
        let name = DatabaseName::parse(target).map_err(anyhow::Error::msg)?;
        with_database(&state.url(&state.config.database.address).await?, name.as_str())?
    };
    name_in(&url)?;
    Ok(url)
}

/// Returns the name of the database at `url`. Refuses one that a deployment could not use.
fn name_in(url: &str) -> anyhow::Result<DatabaseName> {
    let url = parsed(url)?;
    DatabaseName::parse(url.path().trim_start_matches('/')).map_err(anyhow::Error::msg)
}

/// Returns when a scratch database was created; `None` if `name` is not the name of one.
fn made_at(name: &str) -> Option<i64> {
    let (made, unique) = name.strip_prefix(SCRATCH_PREFIX)?.split_once('_')?;
    Uuid::try_parse(unique).ok()?;
    made.parse().ok()
}

fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let mut url = parsed(url)?;
    url.set_path(name);
    Ok(url.into())
}

fn parsed(url: &str) -> anyhow::Result<Url> {
    // The URL holds a password, so the error does not repeat it.
    Url::parse(url).map_err(|_| anyhow::anyhow!("this is no postgresql:// URL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_drill_made_is_taken_for_abandoned() {
        assert_eq!(made_at("arches_drill_1767323045_0f1e2d3c4b5a69788796a5b4c3d2e1f0"), Some(1_767_323_045));
        for other in
            ["arches", "arches_drill_", "arches_drill_2026", "arches_drill_2026_copy", "arches_drill_x_y"]
        {
            assert_eq!(made_at(other), None, "{other}");
        }
    }
}
