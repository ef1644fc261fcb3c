//! Calls a version of a function as the gateway would.

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

/// How long a version may take: a cold start, its secrets and a password, in a busy minute.
const PATIENCE: Duration = Duration::from_secs(10);

/// Calls versions.
pub struct Versions {
    client: Client,
    source: String,
}

impl Versions {
    pub async fn new() -> Self {
        let timeouts =
            TimeoutConfig::builder().operation_timeout(PATIENCE).operation_attempt_timeout(PATIENCE);
        let config = Builder::from(client::config().await).timeout_config(timeouts.build());
        // What does not answer at once is not fit for traffic.
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(1));
        // Nobody's address (RFC 5737), and another one for each run: what earlier ones failed at is counted by it.
        let source = format!("192.0.2.{}", Uuid::new_v4().as_bytes()[0]);
        Self { client: Client::from_conf(config.build()), source }
    }

    /// What `version` answers to a request.
    pub async fn ask(
        &self,
        version: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let event = event(&self.source, method, path, token, body).to_string();
        let called = self.client.invoke().function_name(version).payload(Blob::new(event)).send();
        let output = timeout(PATIENCE, called).await.context("no answer in time")?.context("not invoked")?;
        let payload = output.payload().map(Blob::as_ref).unwrap_or_default();
        if let Some(error) = output.function_error() {
            // What it printed is in its log.
            anyhow::bail!("it ended with an error ({error})");
        }
        Answer::read(payload)
    }
}

/// A REST API's event (Amazon API Gateway Developer Guide, "Lambda proxy integrations in API Gateway").
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
