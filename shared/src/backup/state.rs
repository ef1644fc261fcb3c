//! The state of the functions that make and restore backups.

use std::sync::Arc;

use super::Tools;
use crate::{
    aws::{s3::Bucket, secrets::Secrets},
    config::{Address, Config},
    db,
    domain::clock::{Clock, SystemClock},
};

/// Created once in `main`. Connects to nothing before it is needed.
pub struct State {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub secrets: Secrets,
    pub bucket: Bucket,
    pub tools: Tools,
}

impl State {
    /// Creates the state with the machine's clock.
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

    /// Returns the URL of a direct connection to the database at `address`.
    pub async fn url(&self, address: &Address) -> anyhow::Result<String> {
        db::direct_url(&self.secrets.resolve(address).await?, self.config.database.require_tls)
    }
}
