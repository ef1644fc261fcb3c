//! Secrets Manager over TLS, as in AWS.

use std::fs;

use anyhow::{Context, Result};
use harness::{Identity, service};
use local_stack::Scratch;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

/// The certificate authorities of Debian. A TLS client reads all of them, as it reads those of Amazon Linux in Lambda.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A TLS proxy in front of the stand-in.
pub struct TlsProxy {
    url: String,
    folder: Scratch,
}

impl TlsProxy {
    /// Starts the proxy on an unused port.
    pub async fn start() -> Result<Self> {
        let Identity { authority, acceptor, .. } = Identity::localhost();
        let folder = Scratch::create()?;
        let authorities = fs::read_to_string(AUTHORITIES).with_context(|| format!("read {AUTHORITIES}"))?;
        fs::write(folder.path().join("authorities.pem"), authorities + &authority)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let stand_in = service("AWS_ENDPOINT_URL").trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, stand_in) = (acceptor.clone(), stand_in.clone());
                tokio::spawn(async move {
                    // Send small packets immediately, without Nagle's algorithm.
                    client.set_nodelay(true)?;
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(stand_in).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        Ok(Self { url, folder })
    }

    /// Returns the variables with which a function uses the proxy.
    pub fn variables(&self) -> [(String, String); 2] {
        let authorities = self.folder.path().join("authorities.pem").display().to_string();
        [
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER".to_owned(), self.url.clone()),
            ("SSL_CERT_FILE".to_owned(), authorities),
        ]
    }
}
