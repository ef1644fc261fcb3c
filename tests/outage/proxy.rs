//! A TCP proxy that can lose connections silently.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Passes bytes between its port and a server's.
pub struct Proxy {
    pub port: u16,
    /// Increased each time the current connections are lost.
    losses: Arc<watch::Sender<u32>>,
}

impl Proxy {
    pub async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let losses = Arc::new(watch::Sender::new(0));
        let lost = losses.subscribe();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                let server = TcpStream::connect(("127.0.0.1", server)).await.expect("the server");
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, lost.clone()));
                tokio::spawn(pass(from_server, to_client, lost.clone()));
            }
        });
        Self { port, losses }
    }

    /// From now on, drops all bytes of the current connections without closing them. New connections work.
    pub fn lose_connections(&self) {
        self.losses.send_modify(|losses| *losses += 1);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    lost: watch::Receiver<u32>,
) {
    let begun = *lost.borrow();
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if *lost.borrow() == begun && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
