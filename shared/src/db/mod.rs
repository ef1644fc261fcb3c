//! The database, one transaction at a time.

mod pool;
mod rds_certificates;
mod transaction;

use std::{sync::Arc, time::Duration};

use metrics::histogram;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    auth::profile, aws::secrets::Secrets, cache::redis::Redis, config::Database, error::Unavailable,
};
use pool::Connections;

pub use transaction::Tx;

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
/// answers with another caller's rows; a query on another connection would wait for the one that an instance has.
/// With no way to reach a connection, neither can be written.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    connections: Connections,
    /// Where changes are announced.
    cache: Option<Redis>,
}

impl Db {
    /// Connects at the first transaction. What is changed is announced in `cache`; a job has none.
    #[must_use]
    pub fn new(config: Database, secrets: Secrets, cache: Option<Redis>) -> Self {
        Self(Arc::new(Inner { connections: Connections::new(config, secrets), cache }))
    }

    /// Runs `work` in a transaction: commits what it did if it succeeds, undoes it if it fails.
    ///
    /// If this is dropped before it has come to an end, by a deadline ours or the request's, so is the connection: it may hang, or
    /// hold a `BEGIN` that nobody knows of. Closed, the server rolls back what it holds.
    pub async fn transaction<T, E>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<anyhow::Error> + From<sqlx::Error>,
    {
        let Inner { connections, cache } = &*self.0;
        let started = Instant::now();
        // Announced also if nobody knows whether the commit has arrived.
        let mut changed = Vec::new();
        let done = timeout(TRANSACTION_TIMEOUT, async {
            let mut tx = connections.begin().await?;
            match work(&mut tx).await {
                Ok(done) => {
                    changed = tx.changed();
                    tx.commit(connections).await?;
                    Ok(done)
                }
                Err(error) => {
                    tx.roll_back(connections).await;
                    Err(error)
                }
            }
        })
        .await;
        histogram!("DependencyTime", "dependency" => "database")
            .record(started.elapsed().as_secs_f64() * 1e3);
        if let Some(cache) = cache.as_ref().filter(|_| !changed.is_empty()) {
            profile::forget(cache, &changed).await;
        }
        done.map_err(|elapsed| anyhow::Error::new(Unavailable::new("database", elapsed)))?
    }
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
