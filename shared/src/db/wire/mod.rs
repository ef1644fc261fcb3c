//! Sends a statement in one round trip.
//!
//! sqlx waits for the server four times per transaction of one statement: after BEGIN, after Parse, after Execute, after COMMIT. It
//! has no setting for this, and its connection cannot be replaced. So sqlx talks to a socket of this process, and the wire, at
//! the other end of that socket, talks to the server:
//!
//! ```text
//! sqlx                                wire                                          server
//!  | Parse Describe Sync               |                                               |
//!  |---------------------------------->| holds it                                      |
//!  |  ParseComplete                    |                                               |
//!  |  ParameterDescription NoData Ready|                                               |
//!  |<----------------------------------|                                               |
//!  | Bind Execute Close Sync           | [BEGIN Flush] Parse Describe Bind Execute     |
//!  |---------------------------------->| Close [COMMIT] Sync                           |
//!  |                                   |---------------------------------------------->|
//!  |                                   |  answers of BEGIN, not passed on              |
//!  |                                   |<----------------------------------------------|
//!  |  ParseComplete … RowDescription   |  ParseComplete … CommandComplete [COMMIT]     |
//!  |  DataRow … CommandComplete Ready  |  Ready                                        |
//!  |<----------------------------------|<----------------------------------------------|
//! ```
//!
//! A statement without a result that matters, such as the event of the audit log, waits for the next one or for COMMIT.
//!
//! There is one Sync in each flush: some poolers give the connection to another client after the first one. The login passes
//! through unchanged. The wire also opens the TCP and TLS connection, because sqlx 0.9.0 does not set `TCP_NODELAY`.
//!
//! The task that waits for the statement also runs the wire: there is no other task, so nothing happens in a frozen instance, and a
//! dropped statement stops at once (`docs/adr/0031-one-round-trip.md`).

mod exchange;
mod local;
mod messages;
mod server;

use std::{
    future::{self, poll_fn},
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    select,
    time::timeout,
};

use exchange::Exchange;
use local::Listener;
use server::Server;

use super::pool::Pool;

pub(in crate::db) use server::{Tls, configuration};

/// This process's end of a connection, between sqlx and the server.
pub(super) struct Wire {
    exchange: Exchange,
    /// To sqlx. Not registered with the runtime: sqlx reads and writes its end only while this task polls it.
    local: UnixStream,
    server: Server,
    is_flushed: bool,
    is_lost: bool,
}

impl Wire {
    /// Opens a connection.
    pub(super) async fn connect(options: PgConnectOptions, tls: Tls) -> sqlx::Result<(PgConnection, Self)> {
        let server = server::connect(options.get_host(), options.get_port(), tls).await?;
        let listener = Listener::bind()?;
        let options = options.socket(listener.folder()).port(local::PORT).ssl_mode(PgSslMode::Disable);
        let mut connecting = pin!(options.connect());
        let local = select! {
            biased;
            failed = &mut connecting => return failed.and_then(|_| Err(sqlx::Error::Protocol("no socket".to_owned()))),
            local = listener.accept() => local?,
        };
        drop(listener);
        let exchange = Exchange::default();
        let mut wire = Self { exchange, local, server, is_flushed: true, is_lost: false };
        let connection = select! {
            biased;
            connected = connecting => connected?,
            error = wire.carry() => return Err(error),
        };
        Ok((connection, wire))
    }

    /// Begins a transaction. BEGIN is sent with the first statement; if `is_reused`, that statement is sent again on another
    /// connection if this one is dead.
    pub(super) fn begin(&mut self, is_reused: bool) {
        self.exchange.begin(is_reused);
    }

    /// Sends COMMIT with the next statement, which changes nothing; BEGIN READ ONLY, if BEGIN was not sent.
    pub(super) fn last_read(&mut self) {
        self.exchange.last_read();
    }

    /// Sends the next statement together with the one after it, or with COMMIT.
    pub(super) fn defer(&mut self) {
        self.exchange.defer();
    }

    /// Fails if the connection is lost.
    pub(super) fn require_connection(&self) -> sqlx::Result<()> {
        if self.is_lost { Err(io::Error::from(io::ErrorKind::NotConnected).into()) } else { Ok(()) }
    }

    /// Checks whether the transaction has ended, or never began, so that neither COMMIT nor ROLLBACK is needed.
    pub(super) fn is_over(&self) -> bool {
        self.exchange.is_unsent() || self.exchange.is_committed()
    }

    /// Carries messages while sqlx waits for an answer. Ends only if sqlx cannot notice the failure itself.
    ///
    /// Until BEGIN is answered, nothing can have been committed. So if that takes longer than `DB_CONNECTION_TIMEOUT`, or if
    /// the connection is dead, everything is sent again on a new connection. It costs a healthy request nothing, unlike a ping.
    pub(super) async fn serve(&mut self, pool: &Pool) -> sqlx::Error {
        let limit = pool.connection_timeout();
        if let Err(error) = self.require_connection() {
            return error;
        }
        while !self.exchange.is_begin_answered() {
            let (failed, is_silent) = match timeout(limit, poll_fn(|cx| self.poll_carry(cx, true))).await {
                Ok(Ok(())) => break,
                Ok(Err(error)) => (error, false),
                Err(elapsed) => (elapsed.into(), true),
            };
            if self.exchange.is_repeatable() {
                match Box::pin(pool.reconnect()).await {
                    Ok(other) => self.server = other.server,
                    Err(error) => {
                        self.is_lost = true;
                        return error;
                    }
                }
                self.exchange.repeat();
                self.is_flushed = false;
            } else if is_silent || failed.kind() == io::ErrorKind::InvalidData {
                self.is_lost = true;
                return failed.into();
            } else {
                break;
            }
        }
        self.carry().await
    }

    /// Carries messages until the connection is lost. Then sqlx reads what is left, which may be the reason, and the end.
    async fn carry(&mut self) -> sqlx::Error {
        _ = poll_fn(|cx| self.poll_carry(cx, false)).await;
        self.is_lost = true;
        _ = self.local.shutdown(Shutdown::Write);
        future::pending().await
    }

    /// Carries messages; `until_begun`, until BEGIN is answered. All progress is in `self`, so it can be dropped at any time.
    fn poll_carry(&mut self, cx: &mut Context<'_>, until_begun: bool) -> Poll<io::Result<()>> {
        let mut buffer = [0; 8192];
        loop {
            let mut progress = false;
            match self.local.read(&mut buffer) {
                Ok(read @ 1..) => {
                    self.exchange.take_from_sqlx(&buffer[..read])?;
                    (progress, self.is_flushed) = (true, false);
                }
                Ok(_) => return Poll::Pending,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            let has_room = self.write_local()?;
            if until_begun && self.exchange.is_begin_answered() {
                return Poll::Ready(Ok(()));
            }
            // Before writing: the server may have said why it closed the connection. If sqlx reads slowly, the server waits.
            if has_room {
                let mut read = ReadBuf::new(&mut buffer);
                if Pin::new(&mut self.server).poll_read(cx, &mut read)?.is_ready() {
                    if read.filled().is_empty() {
                        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    self.exchange.take_from_server(read.filled())?;
                    progress = true;
                }
            }
            progress |= self.poll_write(cx)?;
            if !progress {
                return Poll::Pending;
            }
        }
    }

    /// Writes to the server. Returns whether it wrote something.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Self { exchange, server, .. } = self;
        let mut progress = false;
        while let rest @ [_, ..] = exchange.to_server.rest() {
            match Pin::new(&mut *server).poll_write(cx, rest)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => exchange.to_server.advance(written),
                Poll::Pending => return Ok(progress),
            }
            progress = true;
        }
        if exchange.is_begin_answered() {
            exchange.to_server.clean();
        }
        if !self.is_flushed {
            self.is_flushed = Pin::new(server).poll_flush(cx)?.is_ready();
        }
        Ok(progress)
    }

    /// Writes to sqlx. Returns whether everything is written.
    fn write_local(&mut self) -> io::Result<bool> {
        let to_sqlx = &mut self.exchange.to_sqlx;
        while let rest @ [_, ..] = to_sqlx.rest() {
            match self.local.write(rest) {
                Ok(written) => to_sqlx.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        to_sqlx.clean();
        Ok(true)
    }
}
