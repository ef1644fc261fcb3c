//! The database, one transaction at a time.

mod tx;

use std::{sync::Arc, time::Duration};

use metrics::histogram;
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tokio::{
    sync::RwLock,
    time::{Instant, timeout},
};
use url::Url;

use crate::{
    auth::account,
    config::Database,
    error::{Unavailable, is_database_outage, is_refused},
    rds_authorities,
    redis::Redis,
    secrets::Secrets,
};

pub use tx::Tx;

/// No request may wait longer for one transaction.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// No job may wait longer for a connection of its own.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// What sqlx calls `sslmode` in a URL, and `sslrootcert`.
const MODE: [&str; 2] = ["sslmode", "ssl-mode"];
const ROOTS: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];

/// Hands out transactions and nothing else.
///
/// A query outside a transaction may be split over two server connections by a transaction pooler, and then
/// answers with another caller's rows; a query on the pool inside a transaction would wait for itself, as an
/// instance has one connection. With no way to reach the pool, neither can be written.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    config: Database,
    secrets: Secrets,
    /// Where changes are announced.
    cache: Option<Redis>,
    pool: RwLock<Option<PgPool>>,
}

impl Db {
    /// Connects at the first transaction. What is changed is announced in `cache`; a job has none.
    #[must_use]
    pub fn new(config: Database, secrets: Secrets, cache: Option<Redis>) -> Self {
        Self(Arc::new(Inner { config, secrets, cache, pool: RwLock::new(None) }))
    }

    /// Runs `work` in a transaction: commits what it did if it succeeds, undoes it if it fails.
    pub async fn transaction<T, E>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<anyhow::Error> + From<sqlx::Error>,
    {
        let started = Instant::now();
        let mut unfinished = Unfinished(Some(&self.0));
        let done = timeout(TRANSACTION_TIMEOUT, async {
            let mut tx = self.begin().await?;
            let done = work(&mut tx).await?;
            Ok::<_, E>((done, tx.commit().await?))
        })
        .await;
        if done.is_ok() {
            unfinished.0 = None;
        }
        histogram!("DependencyTime", "dependency" => "database")
            .record(started.elapsed().as_secs_f64() * 1e3);
        match done {
            Ok(done) => {
                let (done, changed) = done?;
                if let Some(cache) = self.0.cache.as_ref().filter(|_| !changed.is_empty()) {
                    account::forget(cache, &changed).await;
                }
                Ok(done)
            }
            Err(elapsed) => Err(anyhow::Error::new(Unavailable::new("database", elapsed)).into()),
        }
    }

    /// Begins a transaction, once more on a fresh connection if the one at hand turned out to be dead.
    ///
    /// Nothing has been done before `BEGIN` succeeds, so repeating it is safe; and it costs a healthy request
    /// nothing, unlike a ping before each use.
    async fn begin(&self) -> anyhow::Result<Tx> {
        let pool = self.pool(false).await?;
        let error = match pool.begin().await {
            Ok(transaction) => return Ok(Tx::new(transaction)),
            Err(error) => error,
        };
        let refused = is_refused(&error);
        if refused || (is_database_outage(&error) && !matches!(error, sqlx::Error::PoolTimedOut)) {
            return Ok(Tx::new(self.pool(refused).await?.begin().await?));
        }
        if matches!(error, sqlx::Error::PoolTimedOut) {
            // The one connection may be lost without a word; the next request dials anew.
            self.0.pool.write().await.take();
        }
        Err(error.into())
    }

    /// The pool, made at first use; `renew` reads the secret again and dials anew.
    async fn pool(&self, renew: bool) -> anyhow::Result<PgPool> {
        if !renew && let Some(pool) = self.0.pool.read().await.as_ref() {
            return Ok(pool.clone());
        }
        let mut slot = self.0.pool.write().await;
        if !renew && let Some(pool) = slot.as_ref() {
            return Ok(pool.clone());
        }
        let Inner { config, secrets, .. } = &*self.0;
        let address = &config.address;
        let url = if renew { address.renew(secrets).await? } else { address.get(secrets).await? };
        let mut options = connect_options(&url)?;
        if config.require_tls {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        let pool = pool_options(config).connect_lazy_with(options);
        *slot = Some(pool.clone());
        Ok(pool)
    }
}

/// Gives the pool up when it is dropped before its transaction has come to an end, by a deadline ours or the request's.
///
/// The connection may hang, and the pool would wait for it; or hold a `BEGIN` that nobody knows of. Closed, the server
/// rolls back what it holds.
struct Unfinished<'a>(Option<&'a Inner>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(inner) = self.0
            && let Ok(mut pool) = inner.pool.try_write()
        {
            pool.take();
        }
    }
}

fn pool_options(config: &Database) -> PgPoolOptions {
    PgPoolOptions::new()
        .min_connections(config.pool_min)
        .max_connections(config.pool_max)
        .acquire_timeout(config.connection_timeout)
        .idle_timeout(config.idle_timeout)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// How to reach the database behind any transaction pooler.
///
/// `extra_float_digits` is a startup parameter that poolers refuse; statements are never named, see [`Tx`].
pub fn connect_options(url: &str) -> anyhow::Result<PgConnectOptions> {
    // The URL holds a password, so what is wrong with it is not repeated.
    let options: PgConnectOptions =
        url.parse().map_err(|_| anyhow::anyhow!("DATABASE_URL is not a postgresql:// URL"))?;
    Ok(options.extra_float_digits(None).statement_cache_capacity(0).application_name("arches"))
}

/// A connection of its own, straight to the server: for what a pooler cannot do.
pub async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    Ok(timeout(DIAL_TIMEOUT, PgConnection::connect_with(&connect_options(url)?)).await??)
}

/// `url`, for such a connection: if `require_tls`, with TLS and the server verified, whatever the URL says.
///
/// The cluster's certificate is from an authority of Amazon's own, unless the URL names another in `sslrootcert`.
pub fn direct_url(url: &str, require_tls: bool) -> anyhow::Result<String> {
    // It holds a password, so what is wrong with it is not repeated.
    let mut url = Url::parse(url).map_err(|_| anyhow::anyhow!("the database is no postgresql:// URL"))?;
    if require_tls {
        let (roots, mut others): (Vec<_>, Vec<_>) =
            url.query_pairs().into_owned().partition(|(name, _)| ROOTS.contains(&name.as_str()));
        others.retain(|(name, _)| !MODE.contains(&name.as_str()));
        let roots = match roots.into_iter().next_back() {
            Some((_, own)) => own,
            None => rds_authorities::file()?.to_owned(),
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
    use super::*;

    #[test]
    fn a_deployed_database_is_reached_through_tls_only_and_verified() {
        let authorities = rds_authorities::file().expect("a file");
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
