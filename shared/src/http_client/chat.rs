//! Answers of language models, as a stream, from a server with the wire format of OpenAI's API.

mod stream;
mod surrogates;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use metrics::histogram;
use tokio::time::{Instant, sleep, timeout};
use tracing::{Instrument, field};
use url::Url;

use super::{
    DeadlineExceeded, HttpClient, HttpError, Request, Response,
    openai::{authorization, endpoint, error_code, retry_after},
};
use wire::Body;

pub use stream::ChatStream;
pub use wire::{Finish, TokenCounts};

use crate::{
    aws::secrets::Secrets,
    cache::{
        breaker::{Breaker, Permit},
        redis::Redis,
    },
    config::{Config, Setting},
    domain::{deadline::Deadline, prompt::PromptMessage},
    telemetry::TRACE,
};

/// The whole stream of an answer: about 300 bytes for each token.
const MAX_RESPONSE_BYTES: usize = 32 << 20;
/// Before the one retry. A server that wants a longer wait is not asked again.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);
const RETRY_DELAY: Duration = Duration::from_millis(300);
/// The servers whose newer models refuse `max_tokens`, and want `max_completion_tokens`. Those of other makers may not know the new name.
const NEW_NAME: [&str; 2] = ["api.openai.com", "openai.azure.com"];

/// The chat models. Cheap to clone.
#[derive(Clone)]
pub struct ChatModels {
    http: HttpClient,
    secrets: Secrets,
    breaker: Breaker,
    url: Url,
    api_key: Setting,
    /// The longest time without a token.
    silence: Duration,
}

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub struct ChatRequest<'a> {
    pub model: &'a str,
    pub messages: &'a [PromptMessage],
    /// Of the answer.
    pub max_tokens: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The model did not answer, or has failed, or is not asked because the breaker is open.
    #[error("model unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// 429.
    #[error("model throttled")]
    Throttled { retry_after: Duration },
    /// No token for the longest time, or the deadline.
    #[error("model timed out")]
    TimedOut,
    /// Another 4xx: our request or a setting is wrong.
    #[error("model rejected the request: {0}")]
    Rejected(String),
    /// What it sent cannot be read.
    #[error("invalid answer of the model: {0}")]
    Invalid(String),
    /// The stream ended before the answer.
    #[error("answer cut")]
    Cut,
}

impl ChatError {
    /// Returns whether another try may succeed before anything was written.
    fn retry_delay(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(_) => Some(RETRY_DELAY),
            Self::Throttled { retry_after } => (*retry_after <= MAX_RETRY_DELAY).then_some(*retry_after),
            _ => None,
        }
    }

    /// Returns whether the breaker counts it.
    fn is_outage(&self) -> bool {
        !matches!(self, Self::Throttled { .. } | Self::Rejected(_))
    }
}

impl ChatModels {
    /// Creates a client of the configured server. With `redis`, all instances share one breaker.
    #[must_use]
    pub fn new(config: &Config, secrets: Secrets, redis: Option<Redis>) -> Self {
        Self {
            http: HttpClient::new(config.application.environment),
            secrets,
            breaker: Breaker::new("chat-model", redis),
            url: endpoint(&config.models.base_url, "chat/completions"),
            api_key: config.models.api_key.clone(),
            silence: config.models.timeout,
        }
    }

    /// Returns the permission for one question; `None` while the breaker is open.
    pub async fn admit(&self) -> Option<Permit> {
        self.breaker.admit().await
    }

    /// Asks, and returns when the server accepts the question. Tries once more if it does not: only now, because no text was sent.
    pub async fn ask(
        &self,
        permit: Permit,
        request: &ChatRequest<'_>,
        deadline: Deadline,
    ) -> Result<ChatStream, ChatError> {
        let span = tracing::info_span!(
            target: TRACE, "chat", otel.kind = "client", otel.name = format!("chat {}", request.model),
            gen_ai.operation.name = "chat", gen_ai.provider.name = "openai", gen_ai.request.model = request.model,
            gen_ai.usage.input_tokens = field::Empty, gen_ai.usage.output_tokens = field::Empty, "error.type" = field::Empty,
        );
        let asked = self.send_twice(request, deadline).instrument(span.clone()).await;
        match asked {
            Ok(response) => Ok(ChatStream::new(response, permit, self.silence, span)),
            Err(error) => {
                span.record("error.type", "failed");
                if error.is_outage() {
                    permit.failed().await;
                } else {
                    permit.succeeded().await;
                }
                Err(error)
            }
        }
    }

    async fn send_twice(&self, request: &ChatRequest<'_>, deadline: Deadline) -> Result<Response, ChatError> {
        match self.send(request, deadline).await {
            Err(error) => match error.retry_delay().filter(|delay| *delay < deadline.left(Duration::ZERO)) {
                Some(delay) => {
                    tracing::warn!(%error, "chat model failed; trying again");
                    sleep(delay).await;
                    self.send(request, deadline).await
                }
                None => Err(error),
            },
            response => response,
        }
    }

    async fn send(&self, request: &ChatRequest<'_>, deadline: Deadline) -> Result<Response, ChatError> {
        let authorization = authorization(&self.secrets, &self.api_key).await;
        let authorization = authorization.map_err(ChatError::Unavailable)?;
        // A compressed stream would wait for more text, and cannot be read here.
        let encoding = ("accept-encoding", "identity");
        let mut headers =
            vec![("content-type", "application/json"), ("accept", "text/event-stream"), encoding];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        let body = Body::new(request, wants_new_name(&self.url));
        let request = Request {
            method: "POST",
            url: &self.url,
            headers: &headers,
            body: serde_json::to_vec(&body).map_err(|error| ChatError::Rejected(error.to_string()))?,
            deadline,
            max_bytes: MAX_RESPONSE_BYTES,
        };
        let started = Instant::now();
        let response = timeout(self.silence, self.http.send(request)).await;
        histogram!("DependencyTime", "dependency" => "chat-model")
            .record(started.elapsed().as_secs_f64() * 1e3);
        let response = response.map_err(|_| ChatError::TimedOut)??;
        let status = response.status();
        match status {
            200 => check_kind(response),
            429 => {
                let retry_after = retry_after(response.header("retry-after"), response.header("date"));
                Err(ChatError::Throttled { retry_after })
            }
            408 | 500.. => Err(ChatError::Unavailable(anyhow::anyhow!("status {status}"))),
            _ => {
                let body =
                    timeout(self.silence, response.bytes()).await.map_err(|_| ChatError::TimedOut)??;
                Err(ChatError::Rejected(format!("status {status}, {}", error_code(&body))))
            }
        }
    }
}

/// Returns whether the limit of an answer has its new name: also on a server of a region or of a customer, below these names.
fn wants_new_name(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_below =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    NEW_NAME.into_iter().any(is_below)
}

/// Refuses a response that is no answer, such as a page of a proxy.
fn check_kind(response: Response) -> Result<Response, ChatError> {
    let is_plain =
        response.header("content-encoding").is_none_or(|name| name.eq_ignore_ascii_case("identity"));
    if !is_plain {
        return Err(ChatError::Invalid("the response is compressed".to_owned()));
    }
    if response.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(ChatError::Invalid("the response is a page".to_owned()));
    }
    Ok(response)
}

impl From<HttpError> for ChatError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotSent(why) => Self::Rejected(why),
            HttpError::TooLarge(_) => Self::Invalid(error.to_string()),
            HttpError::Unavailable(cause) if cause.is::<DeadlineExceeded>() => Self::TimedOut,
            HttpError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}
