//! The response of a function to the gateway's event.

use anyhow::Context;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

/// A response. `body` is `null` if it is not JSON.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    status_code: u16,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Answer {
    /// Reads the result of an invocation. An error does not quote it: it may have a token.
    pub fn read(payload: &[u8]) -> anyhow::Result<Self> {
        let raw: Option<Raw> = serde_json::from_slice(payload).ok();
        let raw = raw.context("the result is not a response to a gateway")?;
        let text = raw.body.unwrap_or_default();
        let bytes = if raw.is_base64_encoded {
            BASE64.decode(text.as_bytes()).unwrap_or_default()
        } else {
            text.into_bytes()
        };
        Ok(Self { status: raw.status_code, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// Returns the code of the problem, or an empty text.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default()
    }

    /// Fails for any other status.
    pub fn expect(self, status: u16) -> anyhow::Result<Self> {
        anyhow::ensure!(self.status == status, "the status is {} {}", self.status, self.problem());
        Ok(self)
    }

    /// Returns the text at `pointer` in the body.
    pub fn text(&self, pointer: &str) -> anyhow::Result<String> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned).with_context(|| format!("the response has no {pointer}"))
    }
}
