//! The connection to the server: TCP, with TLS where it is required.

use std::{fs, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// A connection to the server.
pub(super) type Server = Box<dyn Stream>;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// `SSLRequest` (manual, "SSL Session Encryption").
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];

/// How a connection is encrypted. A server that offers TLS is always verified.
#[derive(Clone)]
pub(in crate::db) enum Tls {
    Never,
    IfOffered(Arc<ClientConfig>),
    Always(Arc<ClientConfig>),
}

/// Connects.
pub(super) async fn connect(host: &str, port: u16, tls: Tls) -> sqlx::Result<Server> {
    let mut stream = TcpStream::connect((host, port)).await?;
    // Without this, TLS 1.3 waits 40 ms at its start: the last message of the handshake and the first message of PostgreSQL are two
    // small packets, and the server delays the acknowledgement of the first one.
    stream.set_nodelay(true)?;
    let (Tls::IfOffered(config) | Tls::Always(config)) = &tls else { return Ok(Box::new(stream)) };
    stream.write_all(SSL_REQUEST).await?;
    match (stream.read_u8().await?, &tls) {
        (b'S', _) => {}
        (b'N', Tls::IfOffered(_)) => return Ok(Box::new(stream)),
        _ => return Err(sqlx::Error::Tls("the server does not support TLS".into())),
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| sqlx::Error::Tls(error.into()))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    Ok(Box::new(stream.map_err(|error| sqlx::Error::Tls(error.into()))?))
}

/// Returns a TLS configuration that trusts the public authorities and those in the file `roots`.
///
/// It remembers sessions, so it is made once: the second connection needs no signature.
pub(in crate::db) fn configuration(roots: Option<&str>) -> sqlx::Result<Arc<ClientConfig>> {
    let mut trusted = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = roots {
        let pem = fs::read(file).map_err(sqlx::Error::Io)?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| sqlx::Error::Tls(error.into()))?;
            trusted.add(certificate).map_err(|error| sqlx::Error::Tls(error.into()))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| sqlx::Error::Tls(error.into()))?;
    Ok(Arc::new(config.with_root_certificates(trusted).with_no_client_auth()))
}
