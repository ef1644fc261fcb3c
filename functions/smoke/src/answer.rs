//! What a function behind the gateway answers.

use anyhow::Context;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

/// An answer, with its body if that is JSON.
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
    /// Reads what a function returned. What is wrong with it is not repeated: it may hold a token.
    pub fn read(payload: &[u8]) -> anyhow::Result<Self> {
        let raw: Option<Raw> = serde_json::from_slice(payload).ok();
        let raw = raw.context("what it returned is no answer to a gateway")?;
        let text = raw.body.unwrap_or_default();
        let bytes = if raw.is_base64_encoded {
            BASE64.decode(text.as_bytes()).unwrap_or_default()
        } else {
            text.into_bytes()
        };
        Ok(Self { status: raw.status_code, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// The stable name of the problem, if it is one.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default()
    }

    /// Refuses any status but `status`.
    pub fn expect(self, status: u16) -> anyhow::Result<Self> {
        anyhow::ensure!(self.status == status, "it answered {} {}", self.status, self.problem());
        Ok(self)
    }

    /// The text at `pointer` in the body.
    pub fn text(&self, pointer: &str) -> anyhow::Result<String> {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned).with_context(|| format!("its answer has no {pointer}"))
    }
}
