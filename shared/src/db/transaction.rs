//! A transaction, and the execution of statements in it.

#[cfg(debug_assertions)]
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, future::ready, mem};

use chrono::{DateTime, Utc};
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::TryStreamExt;
use metrics::histogram;
use sqlx::{
    Describe, Either, Execute, Executor, Postgres, SqlStr,
    error::BoxDynError,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::Instant;
use tracing::Span;

#[cfg(debug_assertions)]
use super::lock_order::LockOrder;
use super::pool::Lease;
use crate::cache::invalidation::CacheKey;

/// A transaction: the only access of [`crate::store`] to the database.
///
/// Every statement is sent unnamed. Behind a transaction pooler a named statement may already exist on the server connection,
/// prepared by another client. The compile-time check of `query!` still works.
pub struct Tx {
    lease: Lease,
    now: DateTime<Utc>,
    deadline: Instant,
    _timer: Timer,
    /// From the wait for a connection to the end.
    span: Span,
    invalidated: Vec<CacheKey>,
    /// Whether a statement failed, and with it the whole transaction.
    failed: bool,
    #[cfg(debug_assertions)]
    lock_order: Arc<Mutex<LockOrder>>,
}

/// Records how long the transaction took, when it is dropped.
struct Timer(Instant);

impl Drop for Timer {
    fn drop(&mut self) {
        histogram!("DependencyTime", "dependency" => "database").record(self.0.elapsed().as_secs_f64() * 1e3);
    }
}

impl Tx {
    /// Creates the transaction that `lease` is in since `began`.
    pub(super) fn new(
        lease: Lease,
        now: DateTime<Utc>,
        began: Instant,
        deadline: Instant,
        span: Span,
    ) -> Self {
        Self {
            lease,
            now,
            deadline,
            _timer: Timer(began),
            span,
            invalidated: Vec::new(),
            failed: false,
            #[cfg(debug_assertions)]
            lock_order: Arc::default(),
        }
    }

    /// Returns the time at which the transaction began: one time for everything that it writes.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Sets the time of all that follows, for work that is repeated with the time of its first run.
    pub fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = now;
    }

    fn unnamed<E>(&self, query: E) -> Unnamed<E> {
        Unnamed {
            query,
            #[cfg(debug_assertions)]
            lock_order: Arc::clone(&self.lock_order),
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Invalidates `key` in the cache after the commit. The functions of [`crate::store`] call it when they change cached data.
    pub(crate) fn invalidate(&mut self, key: CacheKey) {
        self.invalidated.push(key);
    }

    pub(super) fn take_invalidated(&mut self) -> Vec<CacheKey> {
        mem::take(&mut self.invalidated)
    }

    /// Sends COMMIT with the next statement, which changes nothing; BEGIN READ ONLY, if it is also the first one. A further statement
    /// fails. Without the wire, the transaction ends as usual.
    pub(crate) fn last_read(&mut self) -> &mut Self {
        if let Some(wire) = self.lease.wire() {
            wire.last_read();
        }
        self
    }

    /// Sends the next statement together with the one after it, or with COMMIT, which saves a round trip. If it fails, that one fails,
    /// and with it the transaction.
    ///
    /// For statements that insert or update, whose result nobody reads, and which violate no constraint that has a refusal. The first
    /// statement of a transaction is sent at once, and so is every one without the wire.
    pub(crate) fn deferred(&mut self) -> &mut Self {
        if let Some(wire) = self.lease.wire() {
            wire.defer();
        }
        self
    }

    /// Commits. PostgreSQL answers COMMIT with success even after a failed statement, so that case is an error here.
    pub(super) async fn commit(self) -> anyhow::Result<()> {
        if self.failed {
            self.roll_back().await;
            anyhow::bail!("a statement failed but the transaction was committed");
        }
        Ok(self.lease.end("COMMIT").await?)
    }

    /// Rolls back. If that fails, the connection is closed and the server rolls back.
    pub(super) async fn roll_back(self) {
        _ = self.lease.end("ROLLBACK").await;
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

/// A query that is never prepared under a name.
struct Unnamed<E> {
    query: E,
    #[cfg(debug_assertions)]
    lock_order: Arc<Mutex<LockOrder>>,
}

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        let sql = self.query.sql();
        #[cfg(debug_assertions)]
        {
            let mut order = self.lock_order.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(problem) = order.check(sql.as_str()) {
                panic!("lock order: {problem}: {}", sql.as_str());
            }
        }
        sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.query.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.query.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

impl<'c> Executor<'c> for &'c mut Tx {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let query = self.unnamed(query);
        let Tx { lease, failed, .. } = self;
        Box::pin(lease.fetch_many(query).inspect_err(|_| *failed = true))
    }

    /// Reads all results: an error, of a deferred constraint or of COMMIT, can follow the row.
    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let first = async |first: Option<PgRow>, result| Ok(first.or(Either::right(result)));
        Box::pin(self.fetch_many(query).try_fold(None, first))
    }

    /// Fails: a statement with a name does not work behind a transaction pooler.
    fn prepare_with<'e>(self, _: SqlStr, _: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        Box::pin(ready(Err(named())))
    }

    fn describe<'e>(self, _: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        Box::pin(ready(Err(named())))
    }
}

fn named() -> sqlx::Error {
    sqlx::Error::Protocol("a statement in a transaction has no name".to_owned())
}
