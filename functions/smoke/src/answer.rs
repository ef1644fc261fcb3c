//! The response of a function to the gateway's event.

use anyhow::Context;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value;

/// Stands before the body of a streamed response.
const DELIMITER: [u8; 8] = [0; 8];

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
    ///
    /// A response that is streamed has its body after a delimiter (Amazon API Gateway Developer Guide, "Lambda proxy integration format for
    /// response streaming").
    pub fn read(payload: &[u8]) -> anyhow::Result<Self> {
        let delimiter = payload.windows(DELIMITER.len()).position(|bytes| bytes == DELIMITER);
        let (head, streamed) = match delimiter {
            Some(at) => (&payload[..at], Some(&payload[at + DELIMITER.len()..])),
            None => (payload, None),
        };
        let raw: Option<Raw> = serde_json::from_slice(head).ok();
        let raw = raw.context("the result is not a response to a gateway")?;
        if let Some(body) = streamed {
            return Ok(Self {
                status: raw.status_code,
                body: serde_json::from_slice(body).unwrap_or_default(),
            });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_response_are_read() {
        let whole =
            br#"{"statusCode":404,"headers":{},"body":"{\"type\":\"https://x/a\"}","isBase64Encoded":false}"#;
        let streamed = [
            br#"{"statusCode":404,"headers":{},"cookies":[]}"#.as_slice(),
            &DELIMITER,
            br#"{"type":"https://x/a"}"#,
        ]
        .concat();
        for payload in [whole.as_slice(), &streamed] {
            let answer = Answer::read(payload).expect("a response");
            assert_eq!((answer.status, answer.problem()), (404, "a"));
        }
        assert!(Answer::read(&DELIMITER).is_err());
        assert!(Answer::read(b"null").is_err());
    }
}
