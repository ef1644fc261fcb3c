//! A transaction, and how statements are sent through it.

use std::fmt;

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{
    Describe, Either, Execute, Executor, Postgres, SqlStr, Transaction,
    error::BoxDynError,
    postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};

use crate::ids::UserId;

/// A transaction. The only thing the functions of [`crate::store`] accept.
///
/// Every statement sent through it is unnamed: behind a transaction pooler a named one may already exist on the
/// server connection, put there by someone else. `query!` keeps its compile-time check.
pub struct Tx {
    transaction: Transaction<'static, Postgres>,
    changed: Vec<UserId>,
}

impl Tx {
    /// In which nothing has changed yet.
    pub(super) fn new(transaction: Transaction<'static, Postgres>) -> Self {
        Self { transaction, changed: Vec::new() }
    }

    /// Makes it last; the accounts that it changed.
    pub(super) async fn commit(self) -> sqlx::Result<Vec<UserId>> {
        self.transaction.commit().await?;
        Ok(self.changed)
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
        self.transaction.fetch_many(Unnamed(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.transaction.fetch_optional(Unnamed(query))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'c: 'e,
    {
        self.transaction.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'c: 'e,
    {
        self.transaction.describe(sql)
    }
}
