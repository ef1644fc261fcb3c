//! The database that is restored into.

use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use shared::{backup::State, config::Setting, store::database};
use sqlx::PgConnection;
use url::Url;
use uuid::Uuid;

/// Where one connects to make databases (PostgreSQL manual, 22.3).
const MAINTENANCE: &str = "postgres";
/// What the databases of drills are called.
const SCRATCH: &str = "arches_drill_";
/// After this many seconds nobody works on a drill's database any more.
const ABANDONED: i64 = 86_400;

/// An empty database.
pub struct Target {
    /// How to reach it.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Where databases are made.
    maintenance: PgConnection,
}

impl Target {
    /// A database of the drill's own, on the server at `url`. What an interrupted drill left is removed first.
    pub async fn scratch(state: &State, url: &str, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let mut maintenance = state.connect(&with_database(url, MAINTENANCE)?).await?;
        for name in database::named(&mut maintenance, SCRATCH).await? {
            let made = name[SCRATCH.len()..].split('_').next().and_then(|time| time.parse::<i64>().ok());
            if made.is_none_or(|made| now.timestamp() - made > ABANDONED) {
                database::remove(&mut maintenance, &name).await?;
            }
        }
        let name = format!("{SCRATCH}{}_{}", now.timestamp(), Uuid::new_v4().simple());
        database::create(&mut maintenance, &name).await?;
        Ok(Self { url: with_database(url, &name)?, name, maintenance })
    }

    /// The database at `url`, which is made if it is not there; refused if anything is in it.
    pub async fn empty(state: &State, url: &str) -> anyhow::Result<Self> {
        let parsed = Url::parse(url).map_err(|_| anyhow::anyhow!("the target is not a postgresql:// URL"))?;
        let name = parsed.path().trim_start_matches('/').to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        ensure!(!name.is_empty() && name.chars().all(plain), "the target is no database: {name:?}");
        let mut maintenance = state.connect(&with_database(url, MAINTENANCE)?).await.context("the target")?;
        if !database::exists(&mut maintenance, &name).await? {
            database::create(&mut maintenance, &name).await?;
        }
        let mut connection = state.connect(url).await.context("the target")?;
        let is_empty = database::is_empty(&mut connection).await?;
        ensure!(is_empty, "the database {name} is not empty: a backup is restored into an empty one only");
        Ok(Self { url: url.to_owned(), name, maintenance })
    }

    /// Makes the roles that the backup's grants name and the server does not know.
    pub async fn create_roles(&mut self, roles: &[String]) -> sqlx::Result<()> {
        for role in roles {
            database::create_role(&mut self.maintenance, role).await?;
        }
        Ok(())
    }

    /// Removes it with all that is in it.
    pub async fn remove(&mut self) -> sqlx::Result<()> {
        database::remove(&mut self.maintenance, &self.name).await
    }
}

/// The URL of the database that someone calls `target`.
pub async fn url(state: &State, target: &str) -> anyhow::Result<String> {
    if target.contains(':') {
        let setting = Setting::read(target);
        let plain = matches!(setting, Setting::Plain(_));
        ensure!(
            !(plain && state.config.environment.is_deployed()),
            "the target is a value; here it must be a name, or a reference to a secret: <ARN>:<json-key>::"
        );
        return Ok(state.secrets.get(&setting).await?.as_str().to_owned());
    }
    let own = state.secrets.get(&state.config.database.url).await?;
    with_database(&own, target)
}

fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(url).map_err(|_| anyhow::anyhow!("DATABASE_URL is not a URL"))?;
    url.set_path(name);
    Ok(url.into())
}
