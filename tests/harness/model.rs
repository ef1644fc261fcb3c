//! The language models of `cargo xtask test`: `local-stack/model.py`.

use std::time::Duration;

use local_stack::model;
use serde_json::{Value, json};
use shared::{
    config::Environment,
    domain::deadline::Deadline,
    http_client::{HttpClient, Request},
};
use url::Url;
use uuid::Uuid;

use crate::service;

/// A model with a name of its own, and so with its own counts and faults. It answers at once; its vectors have no meaning beyond common
/// words.
pub struct Model {
    name: String,
}

/// What the server counted for a model.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests that were answered.
    pub requests: u64,
    /// Their texts.
    pub inputs: u64,
    /// Their tokens, as in `usage` of the answers.
    pub tokens: u64,
    /// Requests that got a fault.
    pub failed: u64,
    /// Requests that the client gave up.
    pub aborted: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self::new(model::STUB)
    }
}

impl Model {
    /// Creates a model whose name begins with `kind`, such as `stub-500`.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self { name: format!("{kind}-{}", Uuid::new_v4().simple()) }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the next `times` requests fail, or all: `500`, `429`, `hang` or `garbage`; a chat also `cut`, `stall` or `error`.
    pub async fn fail(&self, fault: &str, times: Option<u32>) {
        self.set_fault(json!({ "fault": fault, "times": times })).await;
    }

    /// Delays every answer; of a chat, every token.
    pub async fn delay(&self, time: Duration) {
        let milliseconds = u64::try_from(time.as_millis()).expect("milliseconds");
        self.set_fault(json!({ "fault": "slow", "milliseconds": milliseconds })).await;
    }

    /// Ends all faults.
    pub async fn recover(&self) {
        self.set_fault(json!({ "fault": null })).await;
    }

    async fn set_fault(&self, fault: Value) {
        call("PUT", &format!("/faults/{}", self.name), fault.to_string()).await;
    }

    /// Returns what the server counted so far.
    pub async fn seen(&self) -> Seen {
        let all = call("GET", "/seen", String::new()).await;
        let count = |name: &str| all[&self.name][name].as_u64().unwrap_or_default();
        Seen {
            requests: count("requests"),
            inputs: count("inputs"),
            tokens: count("tokens"),
            failed: count("failed"),
            aborted: count("aborted"),
        }
    }
}

async fn call(method: &'static str, path: &str, body: String) -> Value {
    let url: Url = service("OPENAI_BASE_URL").parse().expect("a URL");
    let request = Request {
        method,
        url: &url.join(path).expect("a URL"),
        headers: &[],
        body: body.into_bytes(),
        deadline: Deadline::after(Duration::from_secs(10)),
        max_bytes: 10 << 20,
    };
    let response = HttpClient::new(Environment::Test).send(request).await.expect("the model answers");
    let (status, body) = (response.status(), response.bytes().await.expect("a body"));
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).expect("JSON")
}
