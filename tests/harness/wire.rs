//! A TCP proxy that counts round trips: how often its client waits for an answer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// Proxies a service until the test ends.
pub struct Wire {
    /// The URL of the service, through this proxy.
    pub url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    trips: AtomicUsize,
    loses_commits: AtomicBool,
    lost: AtomicUsize,
}

/// PostgreSQL's simple query `COMMIT` (manual, "Message Formats": Query).
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// The same as a statement, which is sent together with deferred ones (Parse), and the beginning of a transaction that changes nothing.
const COMMIT_STATEMENT: &[u8] = b"\0COMMIT\0";
const READ: &[u8] = b"BEGIN READ ONLY";
/// Statements that change cached data. After one of these, the answer to COMMIT can be lost.
const CHANGES: [&[u8]; 2] = [b"UPDATE sessions", b"UPDATE users"];

impl Wire {
    /// Starts a proxy for the service at `url`.
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).expect("a URL");
        let service = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(port)).expect("a port");
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(service.clone()).await.expect("the service");
                tokio::spawn(carry(client, server, Arc::clone(&counted)));
            }
        });
        Self { url: url.into(), counts }
    }

    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.counts.trips.load(Ordering::SeqCst)
    }

    pub fn reset(&self) {
        self.counts.trips.store(0, Ordering::SeqCst);
    }

    /// From now on, closes the connection instead of passing on the answer to COMMIT, if the transaction changes sessions or users.
    pub fn lose_commits(&self) {
        self.counts.loses_commits.store(true, Ordering::SeqCst);
    }

    /// Returns the number of lost answers.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.counts.lost.load(Ordering::SeqCst)
    }
}

/// Passes bytes in both directions. A round trip begins with the first bytes of the client after bytes of the server.
async fn carry(mut client: TcpStream, mut server: TcpStream, counts: Arc<Counts>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let (mut waits, mut loses, mut changes) = (false, false, false);
    loop {
        let carried = tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    if !waits {
                        counts.trips.fetch_add(1, Ordering::SeqCst);
                    }
                    waits = true;
                    let sent = &asked[..length];
                    let has = |text: &[u8]| sent.windows(text.len()).any(|part| part == text);
                    changes |= CHANGES.iter().any(|sql| has(sql));
                    let commits = sent.ends_with(COMMIT) || (has(COMMIT_STATEMENT) && !has(READ));
                    loses = changes && commits && counts.loses_commits.load(Ordering::SeqCst);
                    server.write_all(&asked[..length]).await
                }
            },
            read = server.read(&mut answered) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) if loses => {
                    counts.lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                Ok(length) => {
                    waits = false;
                    client.write_all(&answered[..length]).await
                }
            },
        };
        if carried.is_err() {
            return;
        }
    }
}
