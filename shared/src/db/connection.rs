//! A connection to the server: sqlx's, with the wire below it unless `DB_PIPELINE` is off.

use std::{
    future::Future as _,
    task::{Poll, ready},
};

use futures_core::stream::BoxStream;
use futures_util::{TryStreamExt, stream::poll_fn};
use sqlx::{
    ConnectOptions, Either, Execute, Executor, PgConnection, Postgres,
    postgres::{PgConnectOptions, PgQueryResult, PgRow},
};

use super::{
    pool::Pool,
    wire::{Tls, Wire},
};

pub(super) struct Connection {
    sqlx: PgConnection,
    wire: Option<Wire>,
}

/// What a statement returns.
pub(super) type Results<'e> = BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>;

impl Connection {
    /// Opens a connection without the wire.
    pub(super) async fn direct(options: PgConnectOptions) -> sqlx::Result<Self> {
        Ok(Self { sqlx: options.connect().await?, wire: None })
    }

    /// Opens a connection with the wire.
    pub(super) async fn wired(options: PgConnectOptions, tls: Tls) -> sqlx::Result<Self> {
        let (sqlx, wire) = Wire::connect(options, tls).await?;
        Ok(Self { sqlx, wire: Some(wire) })
    }

    /// Begins a transaction. With the wire, this only prepares it: BEGIN is sent with the first statement.
    pub(super) async fn begin(&mut self, is_reused: bool) -> sqlx::Result<()> {
        if let Some(wire) = &mut self.wire {
            wire.begin(is_reused);
            return Ok(());
        }
        sqlx::raw_sql("BEGIN").execute(&mut self.sqlx).await.map(drop)
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`, unless it has ended or never began.
    pub(super) async fn end(&mut self, pool: &Pool, command: &'static str) -> sqlx::Result<()> {
        if let Some(wire) = &self.wire {
            wire.require_connection()?;
            if wire.is_over() {
                return Ok(());
            }
        }
        self.fetch_many(pool, sqlx::raw_sql(command)).try_for_each(async |_| Ok(())).await
    }

    pub(super) fn is_open(&self) -> bool {
        self.wire.as_ref().is_none_or(|wire| wire.require_connection().is_ok())
    }

    pub(super) fn wire(&mut self) -> Option<&mut Wire> {
        self.wire.as_mut()
    }

    pub(super) fn into_wire(self) -> Option<Wire> {
        self.wire
    }

    /// Executes a statement. The wire runs while sqlx waits.
    pub(super) fn fetch_many<'e, 'q: 'e, E>(&'e mut self, pool: &'e Pool, query: E) -> Results<'e>
    where
        E: 'q + Execute<'q, Postgres>,
    {
        let Self { sqlx, wire } = self;
        let mut results = sqlx.fetch_many(query);
        let Some(wire) = wire else { return results };
        let mut serving = Some(Box::pin(wire.serve(pool)));
        Box::pin(poll_fn(move |cx| {
            // sqlx first: it writes what the wire reads.
            let result = results.as_mut().poll_next(cx);
            if result.is_ready() {
                return result;
            }
            let Some(wire) = &mut serving else { return Poll::Ready(None) };
            let error = ready!(wire.as_mut().poll(cx));
            serving = None;
            Poll::Ready(Some(Err(error)))
        }))
    }
}
