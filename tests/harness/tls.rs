//! TLS in front of a PostgreSQL or a pooler that speaks none.

use std::{fs, net::Ipv4Addr};

use local_stack::Scratch;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::Identity;

/// A TLS proxy, with a certificate for `localhost`.
pub struct TlsProxy {
    pub port: u16,
    folder: Scratch,
}

impl TlsProxy {
    /// Starts a proxy for the server on the local port `server`.
    pub async fn to(server: u16) -> Self {
        let Identity { authority, acceptor, .. } = Identity::localhost();
        let folder = Scratch::create().expect("a folder");
        fs::write(folder.path().join("authority.pem"), authority).expect("a file");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), client, server));
            }
        });
        Self { port, folder }
    }

    /// Returns the path of the certificate of the authority.
    #[must_use]
    pub fn authority(&self) -> String {
        self.folder.path().join("authority.pem").display().to_string()
    }
}

/// PostgreSQL manual, "Message Flow", SSL session encryption: a request of eight bytes, an answer of one byte.
async fn serve(acceptor: TlsAcceptor, mut client: TcpStream, server: u16) {
    // As PostgreSQL does.
    client.set_nodelay(true).expect("a socket");
    let mut asked = [0; 8];
    client.read_exact(&mut asked).await.expect("a request for TLS");
    assert_eq!(asked[4..], 80_877_103_u32.to_be_bytes(), "nothing is said before TLS");
    client.write_all(b"S").await.expect("an answer");
    // A client that does not trust the certificate disconnects here.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await.expect("the server");
    server.set_nodelay(true).expect("a socket");
    _ = copy_bidirectional(&mut client, &mut server).await;
}
