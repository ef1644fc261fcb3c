//! Calls to providers, with the HTTP client of all functions: no redirect is followed, and each call has a deadline and a limit of bytes.

use std::{pin::Pin, time::Duration};

use axum::http::{Method, Response, header};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;
use shared::{
    domain::deadline::Deadline,
    http_client::{HttpClient, HttpError, Request},
};
use url::Url;

use crate::OauthState;

/// Key sets and lists of addresses have some kilobytes.
const MAX_BYTES: usize = 256 << 10;

/// A provider did not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It did not answer, or not usefully. Retry later.
    #[error("provider unavailable: {0:#}")]
    Unavailable(anyhow::Error),
    /// It refused, or its answer is not valid.
    #[error("answer of the provider not valid: {0:#}")]
    Invalid(anyhow::Error),
}

impl ProviderError {
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(anyhow::Error::msg(why.into()))
    }
}

impl From<HttpError> for ProviderError {
    fn from(error: HttpError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// The client for the calls of one request.
pub struct Outgoing {
    http: HttpClient,
    deadline: Deadline,
}

impl Outgoing {
    /// `timeout`: for all calls of the request together.
    pub fn new(state: &OauthState, timeout: Duration) -> Self {
        Self { http: state.http.clone(), deadline: Deadline::after(timeout) }
    }

    /// Returns the JSON document at `url`.
    pub async fn json<T: DeserializeOwned>(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
    ) -> Result<T, ProviderError> {
        let response = self.send("GET", url, headers, Vec::new()).await?;
        if response.status() != 200 {
            return Err(ProviderError::invalid(format!("{url} answers {}", response.status())));
        }
        // The error of the parser may repeat the text.
        serde_json::from_slice(response.body())
            .map_err(|_| ProviderError::invalid(format!("{url}: another JSON")))
    }

    async fn send(
        &self,
        method: &'static str,
        url: &Url,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<HttpResponse, HttpError> {
        let request = Request { method, url, headers, body, deadline: self.deadline, max_bytes: MAX_BYTES };
        let response = self.http.send(request).await?;
        let status = response.status();
        if status >= 500 || status == 429 {
            return Err(HttpError::Unavailable(anyhow::anyhow!("status {status}")));
        }
        let mut answer = Response::builder().status(status);
        if let Some(kind) = response.header("content-type") {
            answer = answer.header(header::CONTENT_TYPE, kind);
        }
        let body = response.bytes().await?;
        answer.body(body).map_err(|error| HttpError::Unavailable(error.into()))
    }
}

impl<'c> AsyncHttpClient<'c> for Outgoing {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let method = if parts.method == Method::POST { "POST" } else { "GET" };
            let url = Url::parse(&parts.uri.to_string());
            let url = url.map_err(|error| HttpError::NotSent(error.to_string()))?;
            let headers =
                parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
            self.send(method, &url, &headers.collect::<Vec<_>>(), body).await
        })
    }
}
