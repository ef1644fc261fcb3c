//! The state that every API function has.

use std::{ops::Deref, sync::Arc};

use crate::{
    aws::secrets::Secrets,
    cache::{rate_limit::RateLimiter, redis::Redis},
    config::Config,
    crypto::{access_token::Verifier, seal::Sealer},
    db::Db,
    domain::clock::{Clock, SystemClock},
};

/// Created once in `main`. Every client connects at first use. Cheap to clone; every layer around a request clones it.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of an [`AppState`].
pub struct Parts {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub secrets: Secrets,
    pub sealer: Sealer,
    pub db: Db,
    pub redis: Redis,
    pub verifier: Verifier,
    pub rate_limiter: RateLimiter,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    /// Creates the state with the machine's clock.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    #[must_use]
    pub fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Self {
        let secrets = Secrets::new(config.keys.max_age, Arc::clone(&clock));
        let redis = Redis::new(config.cache.clone(), secrets.clone());
        Self(Arc::new(Parts {
            db: Db::new(config.database.clone(), secrets.clone(), Some(redis.clone()), Arc::clone(&clock)),
            redis: redis.clone(),
            sealer: Sealer::new(secrets.clone(), config.keys.encryption_key.clone()),
            verifier: Verifier::new(secrets.clone(), &config.tokens, Arc::clone(&clock)),
            rate_limiter: RateLimiter::new(redis.clone()),
            config,
            clock,
            secrets,
        }))
    }

    /// Connects to everything that a request needs, while the instance starts.
    ///
    /// An unavailable dependency is logged, not an error: it may be available again when the first request comes.
    pub async fn warm(&self) {
        let (database, cache, keys) = tokio::join!(
            self.db.transaction_as(async |_| anyhow::Ok(())),
            async {
                let mut ping = redis::pipe();
                ping.ping().ignore();
                self.redis.query::<()>(&ping).await
            },
            self.verifier.key_set(),
        );
        let errors = [database.err(), cache.err().map(anyhow::Error::from), keys.err()];
        for error in errors.into_iter().flatten() {
            tracing::warn!(error = format!("{error:#}"), "dependency unavailable at start");
        }
    }
}
