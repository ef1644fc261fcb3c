//! The database. Transactions are the only access.

mod connection;
#[cfg(debug_assertions)]
mod lock_order;
mod pool;
mod rds_certificates;
mod transaction;
mod wire;

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{Instrument, field};
use url::Url;

use crate::{
    ApiError,
    aws::secrets::Secrets,
    cache::redis::Redis,
    config::Database,
    domain::{clock::Clock, database_name::MAX_NAME_BYTES},
    error::{Failure, Unavailable, is_contention},
    telemetry::TRACE,
};
use pool::Pool;

pub use transaction::Tx;

/// Limits a whole transaction, from the wait for a connection to the commit, with all its reruns.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Limits opening a direct connection ([`connect`]).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The first rerun of a transaction that the database rolled back waits for this time, in which the other transaction takes the
/// lock. Each further rerun waits twice as long.
const RERUN_DELAY: Duration = Duration::from_millis(20);

/// sqlx's names of `sslmode` in a URL.
const SSLMODE_NAMES: [&str; 2] = ["sslmode", "ssl-mode"];
/// sqlx's names of `sslrootcert` in a URL.
const SSLROOTCERT_NAMES: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];

/// Runs transactions, and nothing else.
///
/// A transaction pooler may send the two halves of a query outside a transaction to two server connections, and the second then
/// returns another client's rows. A query on a second connection would wait for the first. Without access to a connection,
/// neither can be written.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: Pool,
    clock: Arc<dyn Clock>,
    /// Invalidated after a commit.
    cache: Option<Redis>,
}

impl Db {
    /// Connects at the first transaction. `cache` is `None` in jobs that change nothing that is cached.
    #[must_use]
    pub fn new(config: Database, secrets: Secrets, cache: Option<Redis>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { pool: Pool::new(config, secrets), clock, cache }))
    }

    /// Runs `work` in a transaction: commits if it succeeds, rolls back if it fails.
    ///
    /// `work` runs again if the database rolls it back because of a deadlock or a serialization failure, for as long as a
    /// transaction may take. So it has no effects outside the transaction.
    ///
    /// If this future is dropped before it ends (a deadline), the connection is closed and the server rolls back.
    pub async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> Result<T, ApiError> {
        self.resume(None, async |_| Ok(()), work).await
    }

    /// [`Self::transaction`] for jobs, which refuse nothing.
    pub async fn transaction_as<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> anyhow::Result<T> + Clone,
    ) -> anyhow::Result<T> {
        self.resume(None, async |_| Ok(()), work).await
    }

    /// Runs `work`, which is one statement and changes nothing, in one round trip.
    pub async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> Result<T, ApiError> {
        self.transaction(async |tx| work.clone()(tx.last_read()).await).await
    }

    /// Runs `work` in `begun` and ends it; without `begun`, in a new transaction, after `check` succeeded in it.
    pub(crate) async fn resume<T, E: Failure>(
        &self,
        mut begun: Option<Tx>,
        check: impl AsyncFnOnce(&mut Tx) -> Result<(), E> + Clone,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, E> + Clone,
    ) -> Result<T, E> {
        let deadline = begun.as_ref().map_or_else(|| Instant::now() + TRANSACTION_TIMEOUT, Tx::deadline);
        let mut delay = RERUN_DELAY;
        loop {
            let run = async {
                let tx = match begun.take() {
                    Some(tx) => tx,
                    None => self.step(self.begin_until(deadline).await?, check.clone()).await?.0,
                };
                let (tx, done) = self.step(tx, work.clone()).await?;
                self.commit(tx).await?;
                Ok::<_, E>(done)
            };
            let failed = match run.await {
                Ok(done) => return Ok(done),
                Err(failed) => failed,
            };
            match failed.failure().filter(|error| is_contention(error)) {
                Some(error) if Instant::now() + delay < deadline => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "transaction rolled back by the database; retried"
                    );
                }
                _ => return Err(failed),
            }
            sleep(delay).await;
            delay *= 2;
        }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&self) -> anyhow::Result<Tx> {
        self.begin_until(Instant::now() + TRANSACTION_TIMEOUT).await
    }

    /// Begins a transaction that ends before `deadline`.
    async fn begin_until(&self, deadline: Instant) -> anyhow::Result<Tx> {
        let Inner { pool, clock, .. } = &*self.0;
        let began = Instant::now();
        let span = tracing::info_span!(
            target: TRACE, "transaction", otel.kind = "client", db.system.name = "postgresql", "error.type" = field::Empty,
        );
        let lease = timeout_at(deadline, pool.begin()).instrument(span.clone()).await;
        let lease = lease.map_err(unavailable).flatten();
        let lease = lease.inspect_err(|_| {
            span.record("error.type", "unavailable");
        })?;
        Ok(Tx::new(lease, clock.now(), began, deadline, span))
    }

    /// Runs `work` in `tx`. Rolls back if it fails.
    pub(crate) async fn step<T, E>(
        &self,
        mut tx: Tx,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<(Tx, T), E>
    where
        E: From<anyhow::Error>,
    {
        match timeout_at(tx.deadline(), work(&mut tx)).await {
            Ok(Ok(done)) => Ok((tx, done)),
            Ok(Err(error)) => {
                self.roll_back(tx).await;
                Err(error)
            }
            Err(elapsed) => {
                tx.span().record("error.type", "timeout");
                Err(unavailable(elapsed).into())
            }
        }
    }

    /// Commits `tx`, and invalidates what it changed, also when the outcome of COMMIT is unknown (timeout, lost connection).
    pub(crate) async fn commit(&self, mut tx: Tx) -> anyhow::Result<()> {
        let (changed, deadline) = (tx.take_invalidated(), tx.deadline());
        let done = timeout_at(deadline, tx.commit()).await;
        if let Some(cache) = &self.0.cache {
            cache.invalidate(&changed).await;
        }
        done.map_err(unavailable)?
    }

    /// Rolls `tx` back.
    pub(crate) async fn roll_back(&self, tx: Tx) {
        let deadline = tx.deadline();
        // After the deadline the connection is closed, and the server rolls back.
        _ = timeout_at(deadline, tx.roll_back()).await;
    }
}

fn unavailable(cause: impl Into<anyhow::Error>) -> anyhow::Error {
    Unavailable::new("database", cause).into()
}

/// Returns the options of a connection that works behind any transaction pooler.
///
/// Refuses a user name or a database that PostgreSQL would cut: the connection would be to another one.
///
/// Poolers refuse the startup parameter `extra_float_digits`. Statements are never named: see [`Tx`].
pub fn connect_options(url: &str) -> anyhow::Result<PgConnectOptions> {
    // The URL contains a password, so the error does not repeat it.
    let options: PgConnectOptions =
        url.parse().map_err(|_| anyhow::anyhow!("DATABASE_URL is not a postgresql:// URL"))?;
    for (what, name) in [("database", options.get_database()), ("user name", Some(options.get_username()))] {
        let bytes = name.unwrap_or_default().len();
        anyhow::ensure!(
            bytes <= MAX_NAME_BYTES,
            "the {what} of DATABASE_URL has {bytes} bytes; PostgreSQL would cut it at {MAX_NAME_BYTES}"
        );
    }
    Ok(options.extra_float_digits(None).statement_cache_capacity(0).application_name("arches"))
}

/// Opens a direct connection to the server, for what does not work behind a pooler.
pub async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    Ok(timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&connect_options(url)?)).await??)
}

/// Returns `url` for a direct connection. With `require_tls` it requires TLS and verifies the server, whatever `url` says.
///
/// Amazon's own authorities sign the cluster's certificate. The URL can name another one in `sslrootcert`.
pub fn direct_url(url: &str, require_tls: bool) -> anyhow::Result<String> {
    // The URL contains a password, so the error does not repeat it.
    let mut url =
        Url::parse(url).map_err(|_| anyhow::anyhow!("the database URL is not a postgresql:// URL"))?;
    if require_tls {
        let (roots, mut others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(name, _)| SSLROOTCERT_NAMES.contains(&name.as_str()));
        others.retain(|(name, _)| !SSLMODE_NAMES.contains(&name.as_str()));
        let roots = match roots.into_iter().next_back() {
            Some((_, own)) => own,
            None => rds_certificates::file()?.to_owned(),
        };
        url.query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .extend_pairs([("sslmode", "verify-full"), ("sslrootcert", &*roots)]);
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgSslMode;

    use super::*;

    #[test]
    fn name_that_postgresql_would_cut_is_not_connected_to() {
        let (longest, long) = ("a".repeat(63), "a".repeat(64));
        connect_options(&format!("postgresql://{longest}:x@h/{longest}")).expect("options");
        for (url, what) in [
            (format!("postgresql://a:x@h/{long}"), "database"),
            (format!("postgresql://{long}:x@h/a"), "user name"),
        ] {
            let error = connect_options(&url).expect_err("64 bytes").to_string();
            assert!(error.contains(what) && error.contains("cut"), "{error}");
        }
    }

    #[test]
    fn a_deployed_database_is_reached_through_tls_only_and_verified() {
        let authorities = rds_certificates::file().expect("a file");
        let (ours, own) =
            (format!("&sslrootcert={}", authorities.replace('/', "%2F")), "&sslrootcert=%2Fca.pem");
        for (query, others, roots) in [
            ("", "", ours.as_str()),
            ("?sslmode=disable", "", &ours),
            ("?sslmode=require&application_name=a", "application_name=a&", &ours),
            ("?ssl-mode=verify-ca", "", &ours),
            ("?sslrootcert=/ca.pem&sslmode=prefer", "", own),
            ("?ssl-ca=/ca.pem", "", own),
        ] {
            let url = format!("postgresql://a:b%40c@h/d{query}");
            let expected = format!("postgresql://a:b%40c@h/d?{others}sslmode=verify-full{roots}");
            let verified = direct_url(&url, true).expect("a URL");
            assert_eq!(verified, expected);
            let options = connect_options(&verified).expect("options");
            assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
            assert_eq!(direct_url(&url, false).expect("a URL"), url);
        }
    }
}
