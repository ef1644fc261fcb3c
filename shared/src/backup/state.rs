//! The state of the jobs that create and restore backups.

use std::sync::Arc;

use super::Tools;
use crate::{
    aws::{kms::MacKey, s3::Bucket, secrets::Secrets},
    config::{Address, Config},
    db,
    domain::clock::{Clock, SystemClock},
};

/// Created once in `main`. Every client connects at first use.
pub struct State {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub secrets: Secrets,
    /// Contains the backups.
    pub bucket: Bucket,
    /// Authenticates the manifests.
    pub mac_key: MacKey,
    pub tools: Tools,
}

impl State {
    /// Creates the state with the machine's clock.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            clock: Arc::new(SystemClock),
            secrets: Secrets::new(config.keys.max_age, Arc::new(SystemClock)),
            bucket: Bucket::new(&config.storage.backups, &config.storage.backup_key),
            mac_key: MacKey::new(&config.storage.backup_mac_key),
            tools: Tools::at(&config.storage.postgres_bin),
            config,
        }
    }

    /// Returns the URL for a direct connection to the database at `address` ([`db::direct_url`]).
    pub async fn url(&self, address: &Address) -> anyhow::Result<String> {
        db::direct_url(&self.secrets.resolve(address).await?, self.config.database.require_tls)
    }
}
