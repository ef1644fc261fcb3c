//! Embeddings: texts as vectors, from a server with the wire format of OpenAI's API.

use std::time::Duration;

use metrics::histogram;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::{
    HttpClient, HttpError, Request,
    openai::{authorization, endpoint, error_code, retry_after},
};
use crate::{
    aws::secrets::Secrets,
    cache::{breaker::Breaker, redis::Redis},
    config::{Config, Setting},
    domain::{deadline::Deadline, vector},
};

/// 64 vectors of 3,072 numbers, written with 20 characters each, have 4 MB.
const MAX_RESPONSE_BYTES: usize = 8 << 20;
/// Usual text has 4 bytes or more for each token.
const BYTES_PER_TOKEN: usize = 3;

/// The embedding model. Cheap to clone.
#[derive(Clone)]
pub struct Embeddings {
    http: HttpClient,
    secrets: Secrets,
    breaker: Breaker,
    url: Url,
    api_key: Setting,
    model: String,
    dimensions: usize,
    /// Whether `dimensions` is part of the request.
    asks_for_dimensions: bool,
    timeout: Duration,
}

/// The vectors of some texts, in the order of the texts.
#[derive(Debug)]
pub struct Embedded {
    /// Each of length 1, and padded with zeros to [`vector::DIMENSIONS`] numbers.
    pub vectors: Vec<Vec<f32>>,
    /// The tokens to pay. An estimate, if the server reports none.
    pub tokens: u64,
    pub estimated: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The model did not answer, or is not asked because the breaker is open. Retry later.
    #[error("model unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// 429.
    #[error("model throttled")]
    Throttled { retry_after: Duration },
    /// Another 4xx: our request or a setting is wrong. A retry has the same result.
    #[error("model rejected the request: {0}")]
    Rejected(String),
    /// The answer cannot be used.
    #[error("invalid answer of the model: {0}")]
    Invalid(String),
}

impl Embeddings {
    /// Creates a client of the configured model. With `redis`, all instances share one breaker.
    #[must_use]
    pub fn new(config: &Config, secrets: Secrets, redis: Option<Redis>) -> Self {
        Self {
            http: HttpClient::new(config.application.environment),
            secrets,
            breaker: Breaker::new("model", redis),
            url: endpoint(&config.models.base_url, "embeddings"),
            api_key: config.models.api_key.clone(),
            model: config.models.embedding_model.clone(),
            dimensions: usize::try_from(config.models.embedding_dimensions).unwrap_or(usize::MAX),
            asks_for_dimensions: config.models.embedding_sends_dimensions,
            timeout: config.models.timeout,
        }
    }

    /// Returns the vectors of `texts`, at `deadline` at the latest.
    pub async fn embed(&self, texts: &[&str], deadline: Deadline) -> Result<Embedded, EmbeddingError> {
        if texts.is_empty() {
            return Ok(Embedded { vectors: Vec::new(), tokens: 0, estimated: false });
        }
        let Some(permit) = self.breaker.admit().await else {
            return Err(EmbeddingError::Unavailable(anyhow::anyhow!("the breaker is open")));
        };
        let started = Instant::now();
        let embedded = self.call(texts, deadline).await;
        histogram!("DependencyTime", "dependency" => "model").record(started.elapsed().as_secs_f64() * 1e3);
        match &embedded {
            Err(EmbeddingError::Unavailable(_) | EmbeddingError::Invalid(_)) => permit.failed().await,
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
        let (status, retry_after) = (response.status(), retry_after(response.header("retry-after")));
        let body = response.bytes().await.map_err(refused_or_unavailable)?;
        match status {
            200 => parse(&body, texts, self.dimensions),
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
    dimensions: Option<usize>,
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

/// Reads a successful answer.
fn parse(body: &[u8], texts: &[&str], dimensions: usize) -> Result<Embedded, EmbeddingError> {
    let invalid = |why: String| EmbeddingError::Invalid(why);
    // The message of serde_json has a position and a type, and nothing of the body but a number or a name of a member.
    let answer: Answer = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
    let (expected, count) = (texts.len(), answer.data.len());
    if count != expected {
        return Err(invalid(format!("{count} vectors for {expected} texts")));
    }
    let mut vectors = vec![Vec::new(); count];
    for (place, item) in answer.data.into_iter().enumerate() {
        let index = item.index.unwrap_or(place);
        let slot = vectors.get_mut(index).filter(|slot| slot.is_empty());
        let slot = slot.ok_or_else(|| invalid(format!("index {index} is out of range or repeated")))?;
        let length = item.embedding.len();
        if length != dimensions {
            return Err(invalid(format!("a vector has {length} numbers instead of {dimensions}")));
        }
        *slot = vector::normalized(item.embedding)
            .ok_or_else(|| invalid("a vector has no direction".to_owned()))?;
    }
    let reported = answer.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
    let tokens = reported.unwrap_or_else(|| estimate(texts));
    Ok(Embedded { vectors, tokens, estimated: reported.is_none() })
}

/// Returns an upper bound of the tokens of `texts`.
#[must_use]
pub fn estimate(texts: &[&str]) -> u64 {
    let tokens = texts.iter().map(|text| text.len().div_ceil(BYTES_PER_TOKEN) as u64);
    tokens.sum()
}

fn refused_or_unavailable(error: HttpError) -> EmbeddingError {
    match error {
        HttpError::NotSent(why) => EmbeddingError::Rejected(why),
        HttpError::TooLarge(_) => EmbeddingError::Invalid(error.to_string()),
        HttpError::Unavailable(error) => EmbeddingError::Unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(data: &str) -> Result<Embedded, EmbeddingError> {
        let body = format!(
            r#"{{"object": "list", "data": {data}, "usage": {{"prompt_tokens": 7, "total_tokens": 7}}}}"#
        );
        parse(body.as_bytes(), &["one", "two"], 2)
    }

    #[test]
    fn vectors_are_normalized_and_padded_in_the_order_of_the_texts() {
        let data = r#"[{"index": 1, "embedding": [0, 2]}, {"index": 0, "embedding": [3, 4]}]"#;
        let embedded = answer(data).expect("an answer");
        assert_eq!(embedded.tokens, 7);
        for (vector, start) in embedded.vectors.iter().zip([[0.6, 0.8], [0.0, 1.0]]) {
            assert_eq!(vector.len(), vector::DIMENSIONS);
            assert_eq!(vector[..2], start);
            assert!(vector[2..].iter().all(|number| *number == 0.0));
        }
    }

    #[test]
    fn unusable_answers_are_invalid() {
        for data in [
            r#"[{"index": 0, "embedding": [1, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 0, "embedding": [1, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 2, "embedding": [1, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1, 0, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [NaN, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [null, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [1e300, 0]}]"#,
            r#"[{"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [0, 0]}]"#,
            r#""none""#,
        ] {
            assert!(matches!(answer(data), Err(EmbeddingError::Invalid(_))), "{data}");
        }
        assert!(matches!(parse(b"<html>", &["one"], 2), Err(EmbeddingError::Invalid(_))));
    }

    #[test]
    fn tokens_that_the_server_does_not_report_are_estimated() {
        let body = br#"{"data": [{"embedding": [1, 0]}]}"#;
        let embedded = parse(body, &["ten bytes!"], 2).expect("an answer");
        assert_eq!((embedded.tokens, embedded.estimated), (4, true));
    }
}
