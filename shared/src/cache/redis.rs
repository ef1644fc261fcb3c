//! The connection to Redis. It reconnects by itself.

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
use tracing::{Instrument, field};

use crate::{aws::secrets::Secrets, config::Cache, error::Unavailable, telemetry::TRACE};

/// The timeout of a whole call, with connecting and retries. Callers have a fallback.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// The timeout of one command, and of connecting.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(500);
/// After a failure, calls fail at once for this long, so that an outage costs a request no time.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// A connection to Redis. Connects at first use, and again when the connection is lost.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    config: Cache,
    secrets: Secrets,
    connection: Mutex<Option<MultiplexedConnection>>,
    created: Instant,
    /// Redis counts as unavailable until this many milliseconds after `created`.
    unavailable_until: AtomicU64,
}

impl Redis {
    /// Connects at the first call.
    #[must_use]
    pub fn new(config: Cache, secrets: Secrets) -> Self {
        Self(Arc::new(Inner {
            config,
            secrets,
            connection: Mutex::new(None),
            created: Instant::now(),
            unavailable_until: AtomicU64::new(0),
        }))
    }

    /// Sends `commands` in one round trip.
    ///
    /// Retries on a new connection, at most `REDIS_MAX_RETRIES` times, if the connection was lost or leads to a replica (which
    /// answers `READONLY` after a failover).
    pub async fn query<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Unavailable> {
        if self.elapsed_millis() < self.0.unavailable_until.load(Ordering::Relaxed) {
            return Err(Unavailable::new("cache", anyhow::anyhow!("a call failed less than a second ago")));
        }
        // Outside the timeout: the first read of the secret takes longer and must be allowed to finish.
        self.0
            .secrets
            .resolve(&self.0.config.address)
            .await
            .map_err(|error| Unavailable::new("cache", error))?;
        let started = Instant::now();
        let span = tracing::info_span!(
            target: TRACE, "redis", otel.kind = "client", db.system.name = "redis",
            db.operation.batch.size = commands.len(), "error.type" = field::Empty,
        );
        let call = timeout(CALL_TIMEOUT, self.query_with_retries(commands)).instrument(span.clone());
        let answer = match call.await {
            Ok(answer) => answer,
            Err(elapsed) => Err(elapsed.into()),
        };
        histogram!("DependencyTime", "dependency" => "cache").record(started.elapsed().as_secs_f64() * 1e3);
        answer.map_err(|error| {
            span.record("error.type", "unavailable");
            let pause = u64::try_from(OUTAGE_PAUSE.as_millis()).unwrap_or(u64::MAX);
            self.0.unavailable_until.store(self.elapsed_millis() + pause, Ordering::Relaxed);
            Unavailable::new("cache", error)
        })
    }

    async fn query_with_retries<T: FromRedisValue>(&self, commands: &Pipeline) -> anyhow::Result<T> {
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
            if attempt == self.0.config.max_retries || !is_retryable(&error) {
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
        Ok(slot.insert(Box::pin(self.connect()).await?).clone())
    }

    async fn connect(&self) -> anyhow::Result<MultiplexedConnection> {
        let url = self.0.secrets.resolve(&self.0.config.address).await?;
        // The URL contains a password, so the error does not repeat it.
        let info = url
            .as_str()
            .into_connection_info()
            .map_err(|_| anyhow::anyhow!("REDIS_URL is not a redis:// URL"))?;
        if self.0.config.require_tls && !url.starts_with("rediss://") {
            anyhow::bail!("REDIS_URL must be a rediss:// URL here");
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(COMMAND_TIMEOUT))
            .set_response_timeout(Some(COMMAND_TIMEOUT));
        let connected = Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await;
        if let Err(error) = &connected
            && error.kind() == redis::ErrorKind::AuthenticationFailed
        {
            // The password may have been rotated since it was read.
            self.0.secrets.resolve_again(&self.0.config.address).await?;
        }
        Ok(connected?)
    }

    fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.0.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the Redis key of `name`, with the configured prefix.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.0.config.prefix)
    }
}

fn is_retryable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<RedisError>().is_some_and(|error| {
        error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || error.is_connection_refusal()
            // Of a new connection. The secret was read again.
            || error.kind() == redis::ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("READONLY" | "LOADING" | "MASTERDOWN" | "NOAUTH" | "WRONGPASS"))
    })
}
