//! Invokes versions of functions with the gateway's events.

use std::time::Duration;

use anyhow::Context;
use aws_sdk_lambda::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::invoke::{InvokeError, InvokeOutput},
    primitives::Blob,
};
use backon::{ConstantBuilder, Retryable};
use serde_json::{Value, json};
use shared::aws::client;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::answer::Answer;

/// Enough for a cold start, its secrets and the hash of a password on a busy machine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Time from the start of a run in which Lambda's own refusals are retried: a new version may not be ready yet.
const PLATFORM_RETRY_TIME: Duration = Duration::from_mins(1);
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Errors with which Lambda says that it did not invoke the version now, but may soon (AWS Lambda API Reference, "Invoke").
const NOT_READY: &[&str] = &[
    // The role of this function got its rights in the same deployment.
    "AccessDeniedException",
    "CodeArtifactUserPendingException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "ENILimitReachedException",
    "ENINotReadyException",
    // The version is still `Pending`.
    "ResourceConflictException",
    "ResourceNotReadyException",
    "ServiceException",
    "SubnetIPAddressLimitReachedException",
    "TooManyRequestsException",
];

pub struct Versions {
    client: Client,
    source: String,
    retry_until: Instant,
}

impl Versions {
    pub async fn new() -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(REQUEST_TIMEOUT)
            .operation_attempt_timeout(REQUEST_TIMEOUT);
        let config = Builder::from(client::config().await).timeout_config(timeouts.build());
        // The SDK would retry a timeout too: a version that fails once must not get traffic.
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(1));
        // A documentation address (RFC 5737), a different one per run: rate limits count the failures of earlier runs by address.
        let source = format!("192.0.2.{}", Uuid::new_v4().as_bytes()[0]);
        let retry_until = Instant::now() + PLATFORM_RETRY_TIME;
        Self { client: Client::from_conf(config.build()), source, retry_until }
    }

    /// Sends a request to `version` and returns the response. Retries if Lambda could not invoke it ([`NOT_READY`]), and never
    /// an error of the function itself.
    pub async fn request(
        &self,
        version: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let event = event(&self.source, method, path, token, body).to_string();
        let call = async || self.invoke(version, &event).await;
        let output = call
            .retry(ConstantBuilder::new().with_delay(RETRY_DELAY).without_max_times())
            .when(|error| Instant::now() < self.retry_until && is_not_ready(error))
            .notify(|error, _| tracing::warn!(error = format!("{error:#}"), "invocation retried"))
            .await?;
        let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
        if let Some(error) = output.function_error() {
            // Its own log has the reason.
            anyhow::bail!("the function failed ({error})");
        }
        Answer::read(payload)
    }

    async fn invoke(&self, version: &str, event: &str) -> anyhow::Result<InvokeOutput> {
        let called = self.client.invoke().function_name(version).payload(Blob::new(event)).send();
        timeout(REQUEST_TIMEOUT, called).await.context("timeout")?.context("invocation failed")
    }
}

fn is_not_ready(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<SdkError<InvokeError>>();
    refused.and_then(ProvideErrorMetadata::code).is_some_and(|code| NOT_READY.contains(&code))
}

/// Builds the event of a REST API (Amazon API Gateway Developer Guide, "Lambda proxy integrations in API Gateway").
fn event(source: &str, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Value {
    let headers = [
        token.map(|token| ("authorization", format!("Bearer {token}"))),
        body.map(|_| ("content-type", "application/json".to_owned())),
    ];
    let headers: Vec<(&str, String)> = headers.into_iter().flatten().collect();
    let single: Value = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let multi: Value = headers.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
    json!({
        "resource": path, "path": path, "httpMethod": method,
        "headers": single, "multiValueHeaders": multi,
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "resourcePath": path, "httpMethod": method, "path": path, "stage": "live",
            "requestId": Uuid::now_v7(), "requestTimeEpoch": 0, "protocol": "HTTP/1.1",
            "identity": { "sourceIp": source, "userAgent": "smoke" }
        },
        "body": body.map(Value::to_string), "isBase64Encoded": false
    })
}
