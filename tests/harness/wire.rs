//! A wire to a service that counts how often its client waits for an answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// Stands before a service; gone with the test.
pub struct Wire {
    /// The service's URL, at this end of the wire.
    pub url: String,
    trips: Arc<AtomicUsize>,
}

impl Wire {
    /// To the service at `url`.
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).expect("a URL");
        let service = (url.host_str().expect("a host").to_owned(), url.port().expect("a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(port)).expect("a port");
        let trips = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&trips);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(service.clone()).await.expect("the service");
                tokio::spawn(carry(client, server, Arc::clone(&counted)));
            }
        });
        Self { url: url.into(), trips }
    }

    /// The round trips so far.
    #[must_use]
    pub fn trips(&self) -> usize {
        self.trips.load(Ordering::SeqCst)
    }

    /// Counts anew.
    pub fn forget(&self) {
        self.trips.store(0, Ordering::SeqCst);
    }
}

/// A round trip begins with the first that a client says after it has heard something.
async fn carry(mut client: TcpStream, mut server: TcpStream, trips: Arc<AtomicUsize>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut waits = false;
    loop {
        let carried = tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(0) | Err(_) => return,
                Ok(length) => {
                    if !waits {
                        trips.fetch_add(1, Ordering::SeqCst);
                    }
                    waits = true;
                    server.write_all(&asked[..length]).await
                }
            },
            read = server.read(&mut answered) => match read {
                Ok(0) | Err(_) => return,
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
