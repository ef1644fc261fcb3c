//! The databases that backups are restored into.

use std::time::Duration;

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::{SecureRandom, SystemRandom};
use shared::{
    backup::State,
    config::Setting,
    crypto::scram,
    db,
    lambda::job::Job,
    store::{contents::Contents, database, restoring_role as role},
};
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
///
/// A role with the same name and a password of its own owns it and nothing else. All that an archive contains runs as this role: also
/// functions and triggers that a later step calls. It is dropped when the database is handed over or removed.
pub struct Scratch {
    /// For the restoring role.
    pub url: String,
    pub name: String,
    owner_url: String,
    maintenance: PgConnection,
}

/// The database that the event names.
pub struct Target {
    pub url: String,
    pub name: String,
}

impl Scratch {
    /// Creates one on the server of the database at `url`. Removes abandoned ones first.
    pub async fn create(url: &str, now: DateTime<Utc>, job: &Job) -> anyhow::Result<Self> {
        let mut maintenance = db::connect(&with_database(url, MAINTENANCE)?).await?;
        for name in database::named(&mut maintenance, SCRATCH).await? {
            if made_at(&name).is_some_and(|made| now.timestamp() - made > ABANDONED)
                && let Err(error) = database::remove_unused(&mut maintenance, &name).await
            {
                tracing::warn!(database = name, %error, "abandoned database not removed");
            }
        }
        remove_abandoned_roles(&mut maintenance, now).await?;
        let name = format!("{SCRATCH}{}_{}", now.timestamp(), Uuid::new_v4().simple());
        let password = password()?;
        let valid_until = now + job.deadline.left(Duration::ZERO);
        role::create(&mut maintenance, &name, &scram::verifier(&password)?, valid_until).await?;
        if let Err(error) = database::create(&mut maintenance, &name).await {
            role::remove(&mut maintenance, &name).await?;
            return Err(error.into());
        }
        let owner_url = with_database(url, &name)?;
        Ok(Self { url: with_login(&owner_url, &name, &password)?, name, owner_url, maintenance })
    }

    /// Creates what no plain role can create: the roles that the backup's grants name, and its extensions. Then makes the restoring role
    /// the owner of the database.
    pub async fn prepare(&mut self, contents: &Contents) -> anyhow::Result<()> {
        for role in &contents.roles {
            database::create_role(&mut self.maintenance, role).await?;
        }
        let mut owner = db::connect(&self.owner_url).await?;
        let extensions = contents.extensions.keys().map(String::as_str);
        role::create_extensions(&mut owner, extensions).await.context("the extensions were not created")?;
        owner.close().await?;
        Ok(role::give(&mut self.maintenance, &self.name, &self.name).await?)
    }

    /// Makes the owner the owner of the database and of all that is in it, and drops the restoring role.
    ///
    /// From here on nothing of the database may be executed: it would run as the owner.
    pub async fn hand_over(&mut self) -> anyhow::Result<()> {
        role::end_logins(&mut self.maintenance, &self.name, &self.name).await?;
        let mut owner = db::connect(&self.owner_url).await?;
        role::take_back(&mut owner, &self.name).await?;
        owner.close().await?;
        Ok(role::remove(&mut self.maintenance, &self.name).await?)
    }

    /// Replaces the empty database `target`.
    pub async fn become_target(&mut self, target: &Target) -> anyhow::Result<()> {
        target.require_empty(&mut self.maintenance).await?;
        database::remove_unused(&mut self.maintenance, &target.name).await?;
        Ok(database::rename(&mut self.maintenance, &self.name, &target.name).await?)
    }

    /// Removes the database and its role.
    pub async fn remove(&mut self) -> sqlx::Result<()> {
        database::remove(&mut self.maintenance, &self.name).await?;
        role::remove(&mut self.maintenance, &self.name).await
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

/// Drops the roles of abandoned scratch databases. A role whose database is still there, because it is in use, stays.
async fn remove_abandoned_roles(maintenance: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<()> {
    for name in role::named(maintenance, SCRATCH).await? {
        if made_at(&name).is_some_and(|made| now.timestamp() - made > ABANDONED)
            && !database::exists(maintenance, &name).await?
            && let Err(error) = role::remove(maintenance, &name).await
        {
            tracing::warn!(role = name, %error, "abandoned role not removed");
        }
    }
    Ok(())
}

/// Returns a password that nobody else knows.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system has no random bytes"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
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

fn with_login(url: &str, name: &str, password: &str) -> anyhow::Result<String> {
    let mut url = parsed(url)?;
    let set = url.set_username(name).and_then(|()| url.set_password(Some(password)));
    set.map_err(|()| anyhow::anyhow!("the database URL has no host"))?;
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
