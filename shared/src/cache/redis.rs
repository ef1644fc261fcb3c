//! The cache: one connection that comes back by itself, and the name of every key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics::histogram;
use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::{
    aws::secrets::Secrets,
    config::Cache,
    domain::ids::{SessionId, UserId},
    error::Unavailable,
};

/// The longest that a whole call may take, dialling and retries included: the callers have a second-best answer.
const BUDGET: Duration = Duration::from_secs(1);
/// The longest that one command, or dialling, may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// After a failure nobody asks again for this long, so that an outage costs each request nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// A connection to Redis, dialled at first use and again whenever it is lost.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    config: Cache,
    secrets: Secrets,
    connection: Mutex<Option<MultiplexedConnection>>,
    born: Instant,
    /// Milliseconds after `born` until which Redis counts as away.
    away_until: AtomicU64,
}

impl Redis {
    /// Connects at the first call.
    #[must_use]
    pub fn new(config: Cache, secrets: Secrets) -> Self {
        Self(Arc::new(Inner {
            config,
            secrets,
            connection: Mutex::new(None),
            born: Instant::now(),
            away_until: AtomicU64::new(0),
        }))
    }

    /// Sends `commands` in one round trip.
    ///
    /// Tries again on a fresh connection, at most `REDIS_MAX_RETRIES` times, when the connection was lost or
    /// leads to a replica (a failover answers `READONLY`).
    pub async fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Unavailable> {
        if self.millis() < self.0.away_until.load(Ordering::Relaxed) {
            return Err(Unavailable::new("cache", anyhow::anyhow!("was away a moment ago")));
        }
        // Outside the budget: the first reading of the secret takes longer, and must be allowed to end.
        self.0
            .secrets
            .resolve(&self.0.config.address)
            .await
            .map_err(|error| Unavailable::new("cache", error))?;
        let started = Instant::now();
        let answer = match timeout(BUDGET, self.attempts(commands)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(elapsed.into()),
        };
        histogram!("DependencyTime", "dependency" => "cache").record(started.elapsed().as_secs_f64() * 1e3);
        answer.map_err(|error| {
            let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
            self.0.away_until.store(self.millis() + pause, Ordering::Relaxed);
            Unavailable::new("cache", error)
        })
    }

    async fn attempts<T: FromRedisValue>(&self, commands: &Pipeline) -> anyhow::Result<T> {
        let mut attempt = 0;
        loop {
            let answer = match self.connection().await {
                Ok(mut connection) => {
                    commands.query_async(&mut connection).await.map_err(anyhow::Error::from)
                }
                Err(error) => Err(error),
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.0.connection.lock().await.take();
            if attempt == self.0.config.max_retries || !is_worth_repeating(&error) {
                return Err(error);
            }
            attempt += 1;
            sleep(self.0.config.retry_delay).await;
        }
    }

    async fn connection(&self) -> anyhow::Result<MultiplexedConnection> {
        let mut slot = self.0.connection.lock().await;
        if let Some(connection) = slot.as_ref() {
            return Ok(connection.clone());
        }
        // Boxed: rare and large.
        Ok(slot.insert(Box::pin(self.dial()).await?).clone())
    }

    async fn dial(&self) -> anyhow::Result<MultiplexedConnection> {
        let url = self.0.secrets.resolve(&self.0.config.address).await?;
        // The URL holds a password, so what is wrong with it is not repeated.
        let info = url
            .as_str()
            .into_connection_info()
            .map_err(|_| anyhow::anyhow!("REDIS_URL is not a redis:// URL"))?;
        if self.0.config.require_tls && !url.starts_with("rediss://") {
            anyhow::bail!("REDIS_URL must be a rediss:// URL here");
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let dialled = Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await;
        if let Err(error) = &dialled
            && error.kind() == redis::ErrorKind::AuthenticationFailed
        {
            // The password may have been rotated since we read it.
            self.0.secrets.resolve_again(&self.0.config.address).await?;
        }
        Ok(dialled?)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Where anything else of this system is kept.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.0.config.prefix)
    }

    /// Where a rate limit counts: `subject` within the window that ends at `window_end`, a Unix time in ms.
    #[must_use]
    pub fn rate_limit_key(&self, limit: &str, subject: &str, window_end: i64) -> String {
        format!("{}:limit:{limit}:{subject}:{window_end}", self.0.config.prefix)
    }

    /// Where the session `id` is cached.
    #[must_use]
    pub fn session_key(&self, id: SessionId) -> String {
        format!("{}:session:{id}", self.0.config.prefix)
    }

    /// Where the account `id` is cached.
    #[must_use]
    pub fn account_key(&self, id: UserId) -> String {
        format!("{}:account:{id}", self.0.config.prefix)
    }
}

fn is_worth_repeating(error: &anyhow::Error) -> bool {
    error.downcast_ref::<RedisError>().is_some_and(|error| {
        error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || error.is_connection_refusal()
            || matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN" | "NOAUTH" | "WRONGPASS"))
    })
}
