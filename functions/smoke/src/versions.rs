//! Invokes versions of functions with the gateway's events.

use std::time::Duration;

use anyhow::Context;
use aws_sdk_lambda::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
    primitives::Blob,
};
use serde_json::{Value, json};
use shared::aws::client;
use tokio::time::timeout;
use uuid::Uuid;

use crate::answer::Answer;

/// Enough for a cold start, its secrets and the hash of a password on a busy machine.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Versions {
    client: Client,
    source: String,
}

impl Versions {
    pub async fn new() -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(REQUEST_TIMEOUT)
            .operation_attempt_timeout(REQUEST_TIMEOUT);
        let config = Builder::from(client::config().await).timeout_config(timeouts.build());
        // No retries: a version that fails once is not ready for traffic.
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(1));
        // A documentation address (RFC 5737), a different one per run: rate limits count the failures of earlier runs by address.
        let source = format!("192.0.2.{}", Uuid::new_v4().as_bytes()[0]);
        Self { client: Client::from_conf(config.build()), source }
    }

    /// Sends a request to `version` and returns the response.
    pub async fn request(
        &self,
        version: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let event = event(&self.source, method, path, token, body).to_string();
        let called = self.client.invoke().function_name(version).payload(Blob::new(event)).send();
        let output =
            timeout(REQUEST_TIMEOUT, called).await.context("timeout")?.context("invocation failed")?;
        let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
        if let Some(error) = output.function_error() {
            // Its own log has the reason.
            anyhow::bail!("the function failed ({error})");
        }
        Answer::read(payload)
    }
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
