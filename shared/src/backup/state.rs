//! What making and restoring backups has in common.

use std::sync::Arc;

use super::Tools;
use crate::{
    aws::{s3::Bucket, secrets::Secrets},
    config::{Address, Config},
    db,
    domain::clock::{Clock, SystemClock},
};

/// Created once in `main`; nothing in it dials before it is needed.
pub struct State {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// Where the backups are.
    pub bucket: Bucket,
    /// `pg_dump` and `pg_restore`.
    pub tools: Tools,
}

impl State {
    /// With the machine's clock.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            secrets: Secrets::default(),
            bucket: Bucket::new(&config.storage.backups, &config.storage.backup_key),
            tools: Tools::at(&config.storage.postgres_bin),
            config,
        }
    }

    /// How to reach the database at `address` by a connection of one's own.
    pub async fn url(&self, address: &Address) -> anyhow::Result<String> {
        db::direct_url(&self.secrets.resolve(address).await?, self.config.database.require_tls)
    }
}
