//! What every API function is made of.

use std::{ops::Deref, sync::Arc};

use crate::{
    aws::secrets::Secrets,
    cache::{rate_limit::Fallback, redis::Redis},
    config::Config,
    crypto::{access_token::Verifier, seal::Sealer},
    db::Db,
    domain::clock::{Clock, SystemClock},
};

/// Made once in `main`; nothing in it dials before it is needed. Cheap to clone: every layer around a request does.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// What an [`AppState`] gives.
pub struct Parts {
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// Encrypts what must be readable again.
    pub sealer: Sealer,
    /// The database.
    pub db: Db,
    /// The cache.
    pub redis: Redis,
    /// Verifies access tokens.
    pub verifier: Verifier,
    /// Counts while the cache is away.
    pub fallback: Fallback,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    /// With the machine's clock.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    /// With `clock`.
    #[must_use]
    pub fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Self {
        let secrets = Secrets::default();
        let redis = Redis::new(config.cache.clone(), secrets.clone());
        Self(Arc::new(Parts {
            db: Db::new(config.database.clone(), secrets.clone(), Some(redis.clone())),
            redis,
            sealer: Sealer::new(secrets.clone(), config.keys.encryption_key.clone()),
            verifier: Verifier::new(secrets.clone(), &config.tokens, Arc::clone(&clock)),
            fallback: Fallback::default(),
            config,
            clock,
            secrets,
        }))
    }

    /// Dials everything a request will need, at once, while the instance is still being paid for by AWS.
    ///
    /// What cannot be reached is not an error: it may be back before the first request, which will say so if not.
    pub async fn warm(&self) {
        let (database, cache, keys) = tokio::join!(
            self.db.transaction(async |_| anyhow::Ok(())),
            async {
                let mut ping = redis::pipe();
                ping.ping().ignore();
                self.redis.query::<()>(&ping).await
            },
            self.verifier.key_set(),
        );
        let errors = [database.err(), cache.err().map(anyhow::Error::from), keys.err()];
        for error in errors.into_iter().flatten() {
            tracing::warn!(error = format!("{error:#}"), "dependency not reached at start");
        }
    }
}
