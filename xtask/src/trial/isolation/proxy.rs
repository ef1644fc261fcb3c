//! A proxy in front of PostgreSQL and of its pooler. It rewrites one statement, and records which statements a database gets.

use std::{
    collections::HashSet,
    io::{self, BufReader, BufWriter, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};

use super::messages::{self, Start};

/// SQLSTATEs of a statement that PostgreSQL cannot parse: the fault is the trial's.
const INVALID: [&str; 8] = ["42601", "42703", "42704", "42725", "42804", "42846", "42883", "42P18"];

/// A statement, and what is sent in its place.
#[derive(Debug, Clone)]
pub struct Rewrite {
    pub from: String,
    pub to: String,
}

/// Shared by the trial and all connections of its proxies.
#[derive(Default)]
pub struct State {
    rewrite: Mutex<Option<Rewrite>>,
    invalid: Mutex<Option<String>>,
    records: AtomicBool,
    sent: Mutex<HashSet<Sent>>,
}

/// A statement that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sent {
    pub database: String,
    pub sql: String,
    /// Whether it came through the pooler, so from a function and not from a test.
    pub pooled: bool,
}

impl State {
    /// Rewrites this statement from now on, or none.
    pub fn rewrite(&self, rewrite: Option<Rewrite>) {
        *locked(&self.rewrite) = rewrite;
        *locked(&self.invalid) = None;
    }

    /// Returns PostgreSQL's error, if it could not parse the rewritten statement.
    pub fn invalid(&self) -> Option<String> {
        locked(&self.invalid).clone()
    }

    /// Begins to record statements, or stops.
    pub fn record(&self, on: bool) {
        self.records.store(on, Ordering::SeqCst);
    }

    /// Returns the recorded statements.
    pub fn sent(&self) -> HashSet<Sent> {
        locked(&self.sent).clone()
    }

    /// Returns what is sent in place of `message`, if it is the statement to rewrite.
    fn changed(&self, database: &str, pooled: bool, message: &[u8]) -> Option<Vec<u8>> {
        let sql = messages::statement(message)?;
        if self.records.load(Ordering::SeqCst) {
            locked(&self.sent).insert(Sent { database: database.to_owned(), sql: sql.to_owned(), pooled });
        }
        let rewrite = locked(&self.rewrite);
        let rewrite = rewrite.as_ref().filter(|rewrite| rewrite.from == sql)?;
        messages::with_statement(message, &rewrite.to)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a proxy for the service at `url`, the pooler or the database itself, which serves until this process ends. Returns the URL
/// through it.
pub fn start(url: &str, pooled: bool, state: &Arc<State>) -> Result<String> {
    let (before, rest) = url.rsplit_once('@').context("a URL of a database has a user")?;
    let (address, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let address = address.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").context("listen on a free port")?;
    let port = listener.local_addr().context("read the port")?.port();
    let state = Arc::clone(state);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (address, state) = (address.clone(), Arc::clone(&state));
            thread::spawn(move || {
                // A connection that breaks is the test's own affair.
                let _ended = carry(&client, (&address, pooled), &state);
                let _closed = client.shutdown(Shutdown::Both);
            });
        }
    });
    Ok(format!("{before}@127.0.0.1:{port}{path}"))
}

/// Carries the messages of a client to the service, and its answers back.
fn carry(client: &TcpStream, (address, pooled): (&str, bool), state: &Arc<State>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut from = BufReader::new(client);
    let server = TcpStream::connect(address)?;
    server.set_nodelay(true)?;
    let mut to = BufWriter::new(&server);
    let database = loop {
        match messages::read_start(&mut from)? {
            // Refused here, so that all later messages can be read.
            Start::Encryption => (&mut &*client).write_all(b"N")?,
            Start::Cancel(message) => {
                to.write_all(&message)?;
                return to.flush();
            }
            Start::Startup { message, database } => {
                to.write_all(&message)?;
                to.flush()?;
                break database;
            }
        }
    };
    let rewritten = Arc::new(AtomicBool::new(false));
    let answers = {
        let (server, client) = (server.try_clone()?, client.try_clone()?);
        let (state, rewritten) = (Arc::clone(state), Arc::clone(&rewritten));
        thread::spawn(move || {
            let _ended = answer(&server, &client, &state, &rewritten);
            let _closed = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
        })
    };
    let asked = ask(&mut from, &mut to, (&database, pooled), state, &rewritten);
    let _closed = server.shutdown(Shutdown::Both);
    let _joined = answers.join();
    asked
}

fn ask(
    from: &mut BufReader<impl Read>,
    to: &mut BufWriter<impl Write>,
    (database, pooled): (&str, bool),
    state: &State,
    rewritten: &AtomicBool,
) -> io::Result<()> {
    loop {
        let message = messages::read(from)?;
        if let Some(changed) = state.changed(database, pooled, &message) {
            rewritten.store(true, Ordering::SeqCst);
            to.write_all(&changed)?;
        } else {
            to.write_all(&message)?;
        }
        if from.buffer().is_empty() {
            to.flush()?;
        }
    }
}

fn answer(server: &TcpStream, client: &TcpStream, state: &State, rewritten: &AtomicBool) -> io::Result<()> {
    let (mut from, mut to) = (BufReader::new(server), BufWriter::new(client));
    loop {
        let message = messages::read(&mut from)?;
        if rewritten.load(Ordering::SeqCst)
            && let Some((code, text)) = messages::error(&message)
            && INVALID.contains(&code.as_str())
        {
            *locked(&state.invalid) = Some(format!("{code}: {text}"));
        }
        to.write_all(&message)?;
        if from.buffer().is_empty() {
            to.flush()?;
        }
    }
}
