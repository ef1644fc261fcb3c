//! HTTP calls to systems outside AWS, such as language models.
//!
//! Uses the HTTP client of the AWS SDK, which is part of every binary (`docs/adr/0033-one-http-client.md`). It follows no redirect and
//! uses no proxy. Every call has a deadline and a limit of bytes.

pub mod chat;
pub mod embeddings;
mod event_stream;
mod openai;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings},
    orchestrator::HttpRequest,
};
use tokio::time::timeout;
use tracing::{Instrument, field};
use url::{Host, Url};

use crate::{config::Environment, domain::deadline::Deadline, telemetry::TRACE};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("arches/", env!("CARGO_PKG_VERSION"));

/// An HTTP client. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    connector: Arc<Connector>,
    /// Whether `http://` to this machine is allowed: for the local stand-ins.
    loopback: bool,
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    pub method: &'static str,
    pub url: &'a Url,
    /// Without those of the body's length, the host and the user agent.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: Vec<u8>,
    /// The end of the whole call, with the body of the response.
    pub deadline: Deadline,
    /// The largest body of a response. A larger one is an error.
    pub max_bytes: usize,
}

/// A response whose body is read in pieces.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: aws_smithy_runtime_api::http::Headers,
    body: ByteStream,
    deadline: Deadline,
    bytes_left: usize,
    max_bytes: usize,
}

/// A call that did not get a usable response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not sent: a bug or a bad setting.
    #[error("request not sent: {0}")]
    NotSent(String),
    /// No connection, a lost connection, or the deadline.
    #[error("no response")]
    Unavailable(#[source] anyhow::Error),
    #[error("the response has more than {0} bytes")]
    TooLarge(usize),
}

/// The cause of [`HttpError::Unavailable`], if the time was up.
#[derive(Debug, thiserror::Error)]
#[error("deadline exceeded")]
pub struct DeadlineExceeded;

impl HttpClient {
    /// Creates a client. It connects at the first call.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector = Connector::builder()
            .connector_settings(settings)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build();
        let loopback = matches!(environment, Environment::Development | Environment::Test);
        Self { connector: Arc::new(connector), loopback }
    }

    /// Sends `request`. Returns when the head of the response is there, whatever its status.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, HttpError> {
        let Request { method, url, deadline, max_bytes, .. } = request;
        // Until the head of the response. No header of a trace is sent: the systems outside are foreign.
        let span = tracing::info_span!(
            target: TRACE, "http", otel.kind = "client", otel.name = method, http.request.method = method,
            server.address = url.host_str(), server.port = url.port_or_known_default(),
            http.response.status_code = field::Empty, "error.type" = field::Empty,
        );
        let request = self.prepare(request)?;
        let call = timeout(deadline.left(Duration::ZERO), self.connector.call(request));
        let called = call.instrument(span.clone()).await;
        let response = called
            .map_err(|_| HttpError::Unavailable(DeadlineExceeded.into()))
            .and_then(|response| response.map_err(|error| HttpError::Unavailable(error.into())))
            .inspect_err(|_| {
                span.record("error.type", "unavailable");
            })?;
        span.record("http.response.status_code", response.status().as_u16());
        Ok(Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: ByteStream::new(response.into_body()),
            deadline,
            bytes_left: max_bytes,
            max_bytes,
        })
    }

    fn prepare(&self, request: Request<'_>) -> Result<HttpRequest, HttpError> {
        self.check(request.url)?;
        let not_sent = |error: &dyn std::fmt::Display| HttpError::NotSent(error.to_string());
        let length = request.body.len().to_string();
        let mut prepared = HttpRequest::new(request.body.into());
        prepared.set_method(request.method).map_err(|error| not_sent(&error))?;
        prepared.set_uri(request.url.as_str()).map_err(|error| not_sent(&error))?;
        let own = [("user-agent", USER_AGENT), ("content-length", length.as_str())];
        for (name, value) in own.iter().chain(request.headers) {
            // The error does not repeat the value, which may be a secret.
            let inserted = prepared.headers_mut().try_insert((*name).to_owned(), (*value).to_owned());
            inserted.map_err(|_| HttpError::NotSent(format!("the value of {name} is not valid")))?;
        }
        Ok(prepared)
    }

    /// Checks that the connection to `url` is encrypted, or stays on a developer's machine.
    fn check(&self, url: &Url) -> Result<(), HttpError> {
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let allowed = url.scheme() == "https" || (url.scheme() == "http" && loopback && self.loopback);
        if !allowed {
            return Err(HttpError::NotSent("the URL is not https://".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::NotSent("the URL contains credentials".to_owned()));
        }
        Ok(())
    }
}

impl Response {
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first value of the header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Returns the next piece of the body; `None` at its end. Dropping the response before that closes the connection.
    pub async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, HttpError> {
        let next = timeout(self.deadline.left(Duration::ZERO), self.body.next()).await;
        let next = next.map_err(|_| HttpError::Unavailable(DeadlineExceeded.into()))?;
        let chunk = next.transpose().map_err(|error| HttpError::Unavailable(error.into()))?;
        if let Some(chunk) = &chunk {
            let left = self.bytes_left.checked_sub(chunk.len());
            self.bytes_left = left.ok_or(HttpError::TooLarge(self.max_bytes))?;
        }
        Ok(chunk)
    }

    /// Reads the whole body.
    pub async fn bytes(mut self) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(chunk.as_ref());
        }
        Ok(body)
    }
}
