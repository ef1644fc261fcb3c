//! The databases that backups are restored into.

use anyhow::ensure;
use chrono::{DateTime, Utc};
use shared::{backup::State, config::Setting, db, store::database};
use sqlx::{Connection, PgConnection};
use url::Url;
use uuid::Uuid;

/// The database to connect to in order to create others (PostgreSQL manual, 22.3).
const MAINTENANCE: &str = "postgres";
/// The prefix of databases that are not checked yet.
const SCRATCH: &str = "arches_drill_";
/// Seconds after which a scratch database without connections counts as abandoned.
const ABANDONED: i64 = 3_600;

/// A database that a backup is restored into, before it is removed or becomes the target.
pub struct Scratch {
    pub url: String,
    pub name: String,
    maintenance: PgConnection,
}

/// The database that the event names.
pub struct Target {
    pub url: String,
    pub name: String,
}

impl Scratch {
    /// Creates one on the server of the database at `url`. Removes abandoned ones first.
    pub async fn create(url: &str, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let mut maintenance = db::connect(&with_database(url, MAINTENANCE)?).await?;
        for name in database::named(&mut maintenance, SCRATCH).await? {
            if made_at(&name).is_some_and(|made| now.timestamp() - made > ABANDONED)
                && let Err(error) = database::remove_unused(&mut maintenance, &name).await
            {
                tracing::warn!(database = name, %error, "abandoned database not removed");
            }
        }
        let name = format!("{SCRATCH}{}_{}", now.timestamp(), Uuid::new_v4().simple());
        database::create(&mut maintenance, &name).await?;
        Ok(Self { url: with_database(url, &name)?, name, maintenance })
    }

    /// Creates the roles that the grants of the backup name and the server does not have.
    pub async fn create_roles(&mut self, roles: &[String]) -> sqlx::Result<()> {
        for role in roles {
            database::create_role(&mut self.maintenance, role).await?;
        }
        Ok(())
    }

    /// Replaces the empty database `target`.
    pub async fn become_target(&mut self, target: &Target) -> anyhow::Result<()> {
        target.require_empty(&mut self.maintenance).await?;
        database::remove_unused(&mut self.maintenance, &target.name).await?;
        Ok(database::rename(&mut self.maintenance, &self.name, &target.name).await?)
    }

    /// Removes the database.
    pub async fn remove(&mut self) -> sqlx::Result<()> {
        database::remove(&mut self.maintenance, &self.name).await
    }
}

impl Target {
    /// Finds the database that `target` names. Refuses one that is not empty.
    pub async fn named(state: &State, target: &str) -> anyhow::Result<Self> {
        let url = url(state, target).await?;
        let name = parsed(&url)?.path().trim_start_matches('/').to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let good = !name.is_empty() && name.chars().all(plain) && !name.starts_with(SCRATCH);
        ensure!(
            good,
            "{name:?} cannot be restored into: a name of letters, digits, _ and -, and not {SCRATCH}…"
        );
        let target = Self { url, name };
        let mut maintenance = db::connect(&with_database(&target.url, MAINTENANCE)?).await?;
        target.require_empty(&mut maintenance).await?;
        maintenance.close().await?;
        Ok(target)
    }

    async fn require_empty(&self, maintenance: &mut PgConnection) -> anyhow::Result<()> {
        if !database::exists(maintenance, &self.name).await? {
            return Ok(());
        }
        let mut connection = db::connect(&self.url).await?;
        let is_empty = database::is_empty(&mut connection).await?;
        connection.close().await?;
        let name = &self.name;
        ensure!(is_empty, "the database {name} is not empty: a backup is restored into an empty one only");
        Ok(())
    }
}

/// Returns the URL of `target`: the name of a database on the server of `DATABASE_URL`, a whole URL, or a reference to one.
pub async fn url(state: &State, target: &str) -> anyhow::Result<String> {
    if !target.contains(':') {
        return with_database(&state.url(&state.config.database.address).await?, target);
    }
    let setting = Setting::read(target);
    let plain = matches!(setting, Setting::Plain(_));
    ensure!(
        !(plain && state.config.application.environment.is_deployed()),
        "the target is a value; here it must be a name, or a reference to a secret: <ARN>:<json-key>::"
    );
    state.url(&setting.into()).await
}

/// Returns when a scratch database was created; `None` if `name` is not the name of one.
fn made_at(name: &str) -> Option<i64> {
    let (made, unique) = name.strip_prefix(SCRATCH)?.split_once('_')?;
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
