//! The connections of an instance: as many at once as `DB_POOL_MAX` says, and used again.
//!
//! Not sqlx's pool: it asks the server once more whenever it takes a connection back, which made five round trips of four, and
//! dials a server that refuses again and again for as long as a request may wait (`docs/adr/0020-connections-of-our-own.md`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgDatabaseError, PgSeverity, PgSslMode},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::{connect_options, transaction::Tx};
use crate::{
    aws::secrets::Secrets,
    config::Database,
    error::{Unavailable, is_refused},
};

pub(super) struct Connections {
    config: Database,
    secrets: Secrets,
    permits: Arc<Semaphore>,
    /// Those that nobody uses, and since when; the last one used last.
    idle: Mutex<Vec<(Instant, PgConnection)>>,
}

impl Connections {
    /// Dials nobody yet.
    pub(super) fn new(config: Database, secrets: Secrets) -> Self {
        let permits = Arc::new(Semaphore::new(config.pool_max as usize));
        Self { config, secrets, permits, idle: Mutex::default() }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> anyhow::Result<Tx> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = timeout(self.config.connection_timeout, permit)
            .await
            .map_err(|elapsed| Unavailable::new("database", elapsed))??;
        Ok(Tx::new(self.begun().await?, permit))
    }

    /// A connection in a transaction: a fresh one if the one at hand turns out to be dead, or does not answer in time.
    ///
    /// Nothing has been done before `BEGIN` succeeds, so repeating it is safe; and it costs a healthy request
    /// nothing, unlike a ping before each use.
    async fn begun(&self) -> anyhow::Result<PgConnection> {
        if let Some(mut connection) = self.idle() {
            match timeout(self.config.connection_timeout, begin(&mut connection)).await {
                Ok(Ok(())) => return Ok(connection),
                // The server is there and says no: on another connection it would say the same.
                Ok(Err(error)) if !is_dead(&error) => {
                    self.take_back(connection);
                    return Err(error.into());
                }
                // So, probably, are those that were left at the same time.
                Ok(Err(_)) | Err(_) => self.locked().clear(),
            }
        }
        // Boxed: rare and large, it would make every transaction's future large.
        match Box::pin(self.dialled(false)).await {
            // The password may have been rotated since it was read.
            Err(error) if error.downcast_ref().is_some_and(is_refused) => Box::pin(self.dialled(true)).await,
            dialled => dialled,
        }
    }

    /// A new connection in a transaction; reads the secret again if `renew`.
    async fn dialled(&self, renew: bool) -> anyhow::Result<PgConnection> {
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
        let dialled = async {
            let mut connection = options.connect().await?;
            begin(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let dialled = timeout(config.connection_timeout, dialled).await;
        Ok(dialled.map_err(|elapsed| Unavailable::new("database", elapsed))??)
    }

    fn idle(&self) -> Option<PgConnection> {
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

    /// Takes back a connection that is in no transaction.
    pub(super) fn take_back(&self, connection: PgConnection) {
        self.locked().push((Instant::now(), connection));
    }
}

async fn begin(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("BEGIN").execute(connection).await.map(drop)
}

/// Whether the connection is of no use any more: the server has ended it, or nobody is there.
fn is_dead(error: &sqlx::Error) -> bool {
    let answer = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    answer.is_none_or(|answer| matches!(answer.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}
