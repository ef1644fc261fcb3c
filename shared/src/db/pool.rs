//! The connections of one instance: at most `DB_POOL_MAX` at a time, reused.
//!
//! This is not sqlx's pool. That one sends a ping whenever it takes a connection back, a fifth round trip per transaction, and it
//! reconnects to a server that refuses for as long as a request may wait (`docs/adr/0020-own-connection-pool.md`).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustls::ClientConfig;
use sqlx::{
    Execute, Postgres,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity, PgSslMode},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Duration, Instant, timeout},
};
use url::Url;

use super::{
    SSLROOTCERT_NAMES, connect_options,
    connection::{Connection, Results},
    wire::{self, Tls, Wire},
};
use crate::{
    aws::secrets::Secrets,
    config::Database,
    error::{Unavailable, is_wrong_password},
};

#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    config: Database,
    secrets: Secrets,
    permits: Arc<Semaphore>,
    /// Unused connections with the time of their last use; the last one used is at the end.
    idle: Mutex<Vec<(Instant, Connection)>>,
    /// Shared by all connections, so that later ones resume the TLS session of the first.
    tls: OnceLock<Arc<ClientConfig>>,
}

/// A connection in a transaction. Dropping it closes the connection, and the server rolls back.
pub(super) struct Lease {
    connection: Connection,
    pool: Pool,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn fetch_many<'e, 'q: 'e, E>(&'e mut self, query: E) -> Results<'e>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        self.connection.fetch_many(&self.pool, query)
    }

    pub(super) fn wire(&mut self) -> Option<&mut Wire> {
        self.connection.wire()
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`, and keeps the connection for the next one.
    pub(super) async fn end(mut self, command: &'static str) -> sqlx::Result<()> {
        self.connection.end(&self.pool, command).await?;
        // The server may have closed it after its answer.
        if self.connection.is_open() {
            self.pool.locked().push((Instant::now(), self.connection));
        }
        Ok(())
    }
}

impl Pool {
    /// Creates the pool. It connects at the first transaction.
    pub(super) fn new(config: Database, secrets: Secrets) -> Self {
        let permits = Arc::new(Semaphore::new(config.pool_max as usize));
        Self(Arc::new(Inner { config, secrets, permits, idle: Mutex::default(), tls: OnceLock::new() }))
    }

    pub(super) fn connection_timeout(&self) -> Duration {
        self.0.config.connection_timeout
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> anyhow::Result<Lease> {
        let permit = Arc::clone(&self.0.permits).acquire_owned();
        let permit = timeout(self.connection_timeout(), permit)
            .await
            .map_err(|elapsed| Unavailable::new("database", elapsed))??;
        Ok(Lease { connection: self.begin_on_any().await?, pool: self.clone(), _permit: permit })
    }

    /// Begins on an idle connection; on a new one if no connection is idle, or if the idle one is closed or times out.
    ///
    /// Nothing happens before `BEGIN` succeeds, so repeating it is safe. It costs a healthy request nothing, unlike a ping before
    /// each use. With the wire, `BEGIN` and its repetition come with the first statement.
    async fn begin_on_any(&self) -> anyhow::Result<Connection> {
        if let Some(mut connection) = self.take_idle() {
            match timeout(self.connection_timeout(), connection.begin(true)).await {
                Ok(Ok(())) => return Ok(connection),
                // The server answered with an error. It would answer the same on another connection.
                Ok(Err(error)) if !is_dead(&error) => {
                    self.locked().push((Instant::now(), connection));
                    return Err(error.into());
                }
                Ok(Err(_)) | Err(_) => self.close_idle(),
            }
        }
        self.connect_and_begin().await
    }

    async fn connect_and_begin(&self) -> anyhow::Result<Connection> {
        // Boxed: rare and large, it would make every transaction's future large.
        match Box::pin(self.connect(false)).await {
            // The password may have been rotated since it was read.
            Err(error) if error.downcast_ref().is_some_and(is_wrong_password) => {
                Box::pin(self.connect(true)).await
            }
            connected => connected,
        }
    }

    /// Replaces a connection that died in the pool.
    pub(super) async fn reconnect(&self) -> sqlx::Result<Wire> {
        self.close_idle();
        let connected = self.connect_and_begin().await.map(Connection::into_wire);
        let to_sqlx = |error: anyhow::Error| {
            error.downcast().unwrap_or_else(|error| sqlx::Error::Io(std::io::Error::other(error)))
        };
        connected.map_err(to_sqlx)?.ok_or(sqlx::Error::PoolClosed)
    }

    /// Opens a connection and begins a transaction; reads the secret again if `renew`.
    async fn connect(&self, renew: bool) -> anyhow::Result<Connection> {
        let Inner { config, secrets, .. } = &*self.0;
        let url = if renew {
            secrets.resolve_again(&config.address).await?
        } else {
            secrets.resolve(&config.address).await?
        };
        let mut options = connect_options(&url)?;
        if config.require_tls {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        let connected = async {
            let mut connection = if config.pipeline {
                let tls = self.tls(&url, &options)?;
                Connection::wired(options, tls).await?
            } else {
                Connection::direct(options).await?
            };
            connection.begin(false).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let connected = timeout(config.connection_timeout, connected).await;
        Ok(connected.map_err(|elapsed| Unavailable::new("database", elapsed))??)
    }

    /// Returns how a connection to `url` is encrypted.
    fn tls(&self, url: &str, options: &PgConnectOptions) -> sqlx::Result<Tls> {
        use PgSslMode::{Allow, Disable, Prefer, Require, VerifyCa, VerifyFull};
        match options.get_ssl_mode() {
            Disable | Allow => Ok(Tls::Never),
            Prefer => Ok(Tls::IfOffered(self.tls_configuration(url)?)),
            Require | VerifyCa | VerifyFull => Ok(Tls::Always(self.tls_configuration(url)?)),
        }
    }

    fn tls_configuration(&self, url: &str) -> sqlx::Result<Arc<ClientConfig>> {
        if let Some(tls) = self.0.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let url = Url::parse(url).map_err(|error| sqlx::Error::Configuration(error.into()))?;
        let roots = url.query_pairs().find(|(name, _)| SSLROOTCERT_NAMES.contains(&&**name));
        let tls = wire::configuration(roots.as_ref().map(|(_, file)| &**file))?;
        Ok(Arc::clone(self.0.tls.get_or_init(|| tls)))
    }

    /// Closes all idle connections: they died like the one that was tried.
    fn close_idle(&self) {
        self.locked().clear();
    }

    fn take_idle(&self) -> Option<Connection> {
        let Database { idle_timeout, pool_min, .. } = self.0.config;
        let mut idle = self.locked();
        let spare = idle.len().saturating_sub(pool_min as usize);
        let old = idle.iter().take(spare).take_while(|(since, _)| since.elapsed() >= idle_timeout).count();
        idle.drain(..old);
        idle.pop().map(|(_, connection)| connection)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks whether the connection cannot be used any more: the server closed it or does not answer.
fn is_dead(error: &sqlx::Error) -> bool {
    let answer = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    answer.is_none_or(|answer| matches!(answer.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}
