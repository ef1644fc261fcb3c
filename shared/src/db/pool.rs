//! The connections of one instance: at most `DB_POOL_MAX` at a time, reused.
//!
//! This is not sqlx's pool. That one sends a ping whenever it takes a connection back, a fifth round trip per transaction, and it
//! reconnects to a server that refuses for as long as a request may wait (`docs/adr/0020-own-connection-pool.md`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgDatabaseError, PgSeverity, PgSslMode},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use super::connect_options;
use crate::{
    aws::secrets::Secrets,
    config::Database,
    error::{Unavailable, is_wrong_password},
};

pub(super) struct Pool {
    config: Database,
    secrets: Secrets,
    permits: Arc<Semaphore>,
    /// Unused connections with the time of their last use; the last one used is at the end.
    idle: Mutex<Vec<(Instant, PgConnection)>>,
}

/// A connection in a transaction. Dropping it closes the connection, and the server rolls back.
pub(super) struct Lease {
    pub(super) connection: PgConnection,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// Creates the pool. It connects at the first transaction.
    pub(super) fn new(config: Database, secrets: Secrets) -> Self {
        let permits = Arc::new(Semaphore::new(config.pool_max as usize));
        Self { config, secrets, permits, idle: Mutex::default() }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> anyhow::Result<Lease> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = timeout(self.config.connection_timeout, permit)
            .await
            .map_err(|elapsed| Unavailable::new("database", elapsed))??;
        Ok(Lease { connection: self.begin_on_any().await?, _permit: permit })
    }

    /// Begins on an idle connection; on a new one if no connection is idle, or if the idle one is closed or times out.
    ///
    /// Nothing happens before `BEGIN` succeeds, so repeating it is safe. It costs a healthy request nothing, unlike a ping before
    /// each use.
    async fn begin_on_any(&self) -> anyhow::Result<PgConnection> {
        if let Some(mut connection) = self.take_idle() {
            match timeout(self.config.connection_timeout, begin(&mut connection)).await {
                Ok(Ok(())) => return Ok(connection),
                // The server answered with an error. It would answer the same on another connection.
                Ok(Err(error)) if !is_dead(&error) => {
                    self.locked().push((Instant::now(), connection));
                    return Err(error.into());
                }
                // The other idle connections are probably dead too.
                Ok(Err(_)) | Err(_) => self.locked().clear(),
            }
        }
        // Boxed: rare and large, it would make every transaction's future large.
        match Box::pin(self.connect(false)).await {
            // The password may have been rotated since it was read.
            Err(error) if error.downcast_ref().is_some_and(is_wrong_password) => {
                Box::pin(self.connect(true)).await
            }
            connected => connected,
        }
    }

    /// Opens a connection and begins a transaction; reads the secret again if `renew`.
    async fn connect(&self, renew: bool) -> anyhow::Result<PgConnection> {
        let Self { config, secrets, .. } = self;
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
            let mut connection = options.connect().await?;
            begin(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let connected = timeout(config.connection_timeout, connected).await;
        Ok(connected.map_err(|elapsed| Unavailable::new("database", elapsed))??)
    }

    fn take_idle(&self) -> Option<PgConnection> {
        let Database { idle_timeout, pool_min, .. } = self.config;
        let mut idle = self.locked();
        let spare = idle.len().saturating_sub(pool_min as usize);
        let old = idle.iter().take(spare).take_while(|(since, _)| since.elapsed() >= idle_timeout).count();
        idle.drain(..old);
        idle.pop().map(|(_, connection)| connection)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<(Instant, PgConnection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the connection of an ended transaction for the next one.
    pub(super) fn give_back(&self, lease: Lease) {
        self.locked().push((Instant::now(), lease.connection));
    }
}

async fn begin(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("BEGIN").execute(connection).await.map(drop)
}

/// Checks whether the connection cannot be used any more: the server closed it or does not answer.
fn is_dead(error: &sqlx::Error) -> bool {
    let answer = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    answer.is_none_or(|answer| matches!(answer.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}
