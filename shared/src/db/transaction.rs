//! A transaction, and how statements are sent through it.

use std::{fmt, mem};

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{TryFutureExt, TryStreamExt};
use sqlx::{
    Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    error::BoxDynError,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::sync::OwnedSemaphorePermit;

use super::pool::Connections;
use crate::domain::ids::UserId;

/// A transaction. The only thing the functions of [`crate::store`] accept.
///
/// Every statement sent through it is unnamed: behind a transaction pooler a named one may already exist on the
/// server connection, put there by someone else. `query!` keeps its compile-time check.
pub struct Tx {
    connection: PgConnection,
    /// To have one of the connections.
    _permit: OwnedSemaphorePermit,
    changed: Vec<UserId>,
    /// Whether the server has refused a statement, and with it all that the transaction did.
    failed: bool,
}

impl Tx {
    /// Begun on `connection`, which is closed if this is dropped before it has come to an end.
    pub(super) fn new(connection: PgConnection, permit: OwnedSemaphorePermit) -> Self {
        Self { connection, _permit: permit, changed: Vec::new(), failed: false }
    }

    /// The accounts that it changed so far.
    pub(super) fn changed(&mut self) -> Vec<UserId> {
        mem::take(&mut self.changed)
    }

    /// Makes it last; fails if a statement has failed, which PostgreSQL would not say: it rolls back and calls that a success.
    pub(super) async fn commit(mut self, connections: &Connections) -> anyhow::Result<()> {
        if self.failed {
            self.roll_back(connections).await;
            anyhow::bail!("a statement of the transaction has failed, and nobody minded");
        }
        sqlx::raw_sql("COMMIT").execute(&mut self.connection).await?;
        connections.take_back(self.connection);
        Ok(())
    }

    /// Undoes it; if that cannot be said to the server, it sees the connection close.
    pub(super) async fn roll_back(mut self, connections: &Connections) {
        if sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await.is_ok() {
            connections.take_back(self.connection);
        }
    }

    /// Notes that the account `id` changes, so that nobody goes on believing in what it was once that is committed.
    pub(crate) fn changes(&mut self, id: UserId) {
        self.changed.push(id);
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

/// A query that is never kept as a named statement.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.0.take_arguments()
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
        let Tx { connection, failed, .. } = self;
        Box::pin(connection.fetch_many(Unnamed(query)).inspect_err(|_| *failed = true))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Tx { connection, failed, .. } = self;
        Box::pin(connection.fetch_optional(Unnamed(query)).inspect_err(|_| *failed = true))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        self.connection.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        self.connection.describe(sql)
    }
}
