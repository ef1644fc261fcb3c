//! Embeddings: texts as vectors, from a server with the wire format of OpenAI's API.

mod answer;

use std::time::Duration;

use metrics::histogram;
use serde::Serialize;
use tokio::time::Instant;
use tracing::{Instrument, field};
use url::Url;

use super::{
    HttpClient, HttpError, Request,
    openai::{authorization, endpoint, error_code, retry_after},
};
use crate::{
    aws::secrets::Secrets,
    cache::{breaker::Breaker, redis::Redis},
    config::{Config, Setting},
    domain::deadline::Deadline,
    telemetry::TRACE,
};

pub use answer::estimate;

/// 64 vectors of 3,072 numbers, written with 20 characters each, have 4 MB.
const MAX_RESPONSE_BYTES: usize = 8 << 20;

/// The embedding model. Cheap to clone.
#[derive(Clone)]
pub struct Embeddings {
    http: HttpClient,
    secrets: Secrets,
    breaker: Breaker,
    url: Url,
    api_key: Setting,
    model: String,
    dimensions: u32,
    /// Whether `dimensions` is part of the request.
    asks_for_dimensions: bool,
    timeout: Duration,
}

/// The vectors of some texts, in the order of the texts.
#[derive(Debug)]
pub struct Embedded {
    /// Each of length 1, and padded with zeros to [`DIMENSIONS`](crate::domain::vector::DIMENSIONS) numbers.
    pub vectors: Vec<Vec<f32>>,
    /// The tokens to pay. An estimate, if the server reports none.
    pub tokens: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The model did not answer, or is not asked because the breaker is open. Retry later.
    #[error("model unavailable: {0:#}")]
    Unavailable(anyhow::Error),
    /// 429.
    #[error("model throttled")]
    Throttled { retry_after: Duration },
    /// Another 4xx: our request or a setting is wrong. A retry has the same result.
    #[error("model rejected the request: {0}")]
    Rejected(String),
    /// The answer cannot be used. Its tokens are to be paid all the same.
    #[error("invalid answer of the model: {why}")]
    Invalid { why: String, tokens: u64 },
}

impl EmbeddingError {
    /// Returns the tokens to pay.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        if let Self::Invalid { tokens, .. } = self { *tokens } else { 0 }
    }
}

impl Embeddings {
    /// Creates a client of the configured model. With `redis`, all instances share one breaker.
    #[must_use]
    pub fn new(config: &Config, secrets: Secrets, redis: Option<Redis>) -> Self {
        let models = &config.models;
        Self {
            http: HttpClient::new(config.application.environment),
            secrets,
            breaker: Breaker::new("model", redis),
            url: endpoint(&models.base_url, "embeddings"),
            api_key: models.api_key.clone(),
            model: models.embedding_model.clone(),
            dimensions: models.embedding_dimensions,
            asks_for_dimensions: models.embedding_sends_dimensions,
            timeout: models.timeout,
        }
    }

    /// Creates a client of the model that replaces the configured one soon; `None` without one. It has a breaker of its own.
    #[must_use]
    pub fn next(config: &Config, secrets: Secrets, redis: Option<Redis>) -> Option<Self> {
        let models = &config.models;
        (!models.embedding_next_model.is_empty()).then(|| Self {
            breaker: Breaker::new("next-model", redis),
            model: models.embedding_next_model.clone(),
            dimensions: models.embedding_next_dimensions,
            asks_for_dimensions: models.embedding_next_sends_dimensions,
            ..Self::new(config, secrets, None)
        })
    }

    /// Returns the name of the model.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the length of its vectors, as the database stores it.
    #[must_use]
    pub fn dimensions(&self) -> i32 {
        self.dimensions.cast_signed()
    }

    /// Returns how long a call takes at most.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the vectors of `texts`, at `deadline` at the latest.
    pub async fn embed(&self, texts: &[&str], deadline: Deadline) -> Result<Embedded, EmbeddingError> {
        if texts.is_empty() {
            return Ok(Embedded { vectors: Vec::new(), tokens: 0 });
        }
        let Some(permit) = self.breaker.admit().await else {
            return Err(EmbeddingError::Unavailable(anyhow::anyhow!("the breaker is open")));
        };
        let started = Instant::now();
        let span = tracing::info_span!(
            target: TRACE, "embeddings", otel.kind = "client", otel.name = format!("embeddings {}", self.model),
            gen_ai.operation.name = "embeddings", gen_ai.provider.name = "openai", gen_ai.request.model = self.model,
            gen_ai.usage.input_tokens = field::Empty, "error.type" = field::Empty,
        );
        let embedded = self.call(texts, deadline).instrument(span.clone()).await;
        match &embedded {
            Ok(embedded) => span.record("gen_ai.usage.input_tokens", embedded.tokens),
            Err(_) => span.record("error.type", "failed"),
        };
        histogram!("DependencyTime", "dependency" => "model").record(started.elapsed().as_secs_f64() * 1e3);
        match &embedded {
            Err(EmbeddingError::Unavailable(_) | EmbeddingError::Invalid { .. }) => permit.failed().await,
            _ => permit.succeeded().await,
        }
        embedded
    }

    async fn call(&self, texts: &[&str], deadline: Deadline) -> Result<Embedded, EmbeddingError> {
        let authorization = authorization(&self.secrets, &self.api_key).await;
        let authorization = authorization.map_err(EmbeddingError::Unavailable)?;
        let mut headers = vec![("content-type", "application/json"), ("accept", "application/json")];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        let body = Body {
            model: &self.model,
            input: texts,
            dimensions: self.asks_for_dimensions.then_some(self.dimensions),
            encoding_format: "float",
        };
        let request = Request {
            method: "POST",
            url: &self.url,
            headers: &headers,
            body: serde_json::to_vec(&body).map_err(|error| EmbeddingError::Rejected(error.to_string()))?,
            deadline: Deadline::after(self.timeout.min(deadline.left(Duration::ZERO))),
            max_bytes: MAX_RESPONSE_BYTES,
        };
        let response = self.http.send(request).await.map_err(refused_or_unavailable)?;
        let status = response.status();
        let retry_after = retry_after(response.header("retry-after"), response.header("date"));
        let body = response.bytes().await.map_err(refused_or_unavailable)?;
        match status {
            200 => answer::parse(&body, texts, self.dimensions),
            429 => Err(EmbeddingError::Throttled { retry_after }),
            408 | 500.. => Err(EmbeddingError::Unavailable(anyhow::anyhow!("status {status}"))),
            _ => Err(EmbeddingError::Rejected(format!("status {status}, {}", error_code(&body)))),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    encoding_format: &'static str,
}

fn refused_or_unavailable(error: HttpError) -> EmbeddingError {
    match error {
        HttpError::NotSent(why) => EmbeddingError::Rejected(why),
        HttpError::TooLarge(_) => EmbeddingError::Invalid { why: error.to_string(), tokens: 0 },
        HttpError::Unavailable(error) => EmbeddingError::Unavailable(error),
    }
}
