//! What calls of servers with the wire format of OpenAI's API have in common.

use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{aws::secrets::Secrets, config::Setting};

/// Of the body of an error, so much is read.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// For a 429 without `Retry-After`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(20);
/// A server may not delay work longer than this.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);

/// Returns the URL of `route` below the base URL of the API.
pub(super) fn endpoint(base: &Url, route: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{route}", base.path().trim_end_matches('/')));
    url
}

/// Returns the value of the header `Authorization`; `None` without a key.
pub(super) async fn authorization(secrets: &Secrets, api_key: &Setting) -> anyhow::Result<Option<String>> {
    match api_key {
        Setting::Absent(_) => Ok(None),
        key => Ok(Some(format!("Bearer {}", secrets.get(key).await?.as_str()))),
    }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is compared with `date`, the clock of the server.
pub(super) fn retry_after(value: Option<&str>, date: Option<&str>) -> Duration {
    let time = |text: &str| DateTime::parse_from_rfc2822(text.trim()).ok();
    let until = |value: &str| Some((time(value)? - time(date?)?).to_std().unwrap_or_default());
    let seconds = |value: &str| value.trim().parse().ok().map(Duration::from_secs);
    let wait = value.and_then(|value| seconds(value).or_else(|| until(value)));
    wait.unwrap_or(DEFAULT_RETRY_AFTER).clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
}

/// Returns the code of an error of OpenAI's API, or its type: some servers repeat the status as the code. Not its message, which may repeat
/// a text.
pub(super) fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refused {
        error: Reason,
    }
    #[derive(Deserialize)]
    struct Reason {
        code: Option<Value>,
        r#type: Option<Value>,
    }
    let is_code = |code: &String| {
        (1..=64).contains(&code.len())
            && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text).filter(is_code),
        _ => None,
    };
    let refused = serde_json::from_slice::<Refused>(&body[..body.len().min(MAX_ERROR_BYTES)]).ok();
    let code = refused.and_then(|Refused { error }| text(error.code).or_else(|| text(error.r#type)));
    code.unwrap_or_else(|| "no code".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_within_bounds() {
        const DATE: Option<&str> = Some("Fri, 31 Dec 1999 23:59:30 GMT");
        for (value, date, seconds) in [
            (Some("7"), None, 7),
            (Some("0"), DATE, 1),
            (Some("86400"), None, 600),
            (Some("Fri, 31 Dec 1999 23:59:59 GMT"), DATE, 29),
            (Some("Sat, 01 Jan 2000 00:00:00 GMT"), DATE, 30),
            (Some("Sat, 01 Jan 2000 12:00:00 GMT"), DATE, 600),
            // Over.
            (Some("Fri, 31 Dec 1999 23:00:00 GMT"), DATE, 1),
            (Some("Fri, 31 Dec 1999 23:59:59 GMT"), None, 20),
            (Some("Fri, 31 Dec 1999 23:59:59 GMT"), Some("now"), 20),
            (Some("soon"), DATE, 20),
            (None, DATE, 20),
        ] {
            assert_eq!(retry_after(value, date), Duration::from_secs(seconds), "{value:?} at {date:?}");
        }
    }

    #[test]
    fn message_of_a_refusal_is_not_repeated() {
        let body = br#"{"error": {"message": "cannot embed 'a secret'", "type": "invalid_request_error", "code": null}}"#;
        assert_eq!(error_code(body), "invalid_request_error");
        assert_eq!(error_code(br#"{"error": {"code": "a secret"}}"#), "no code");
        assert_eq!(error_code(br#"{"error": {"code": ""}}"#), "no code");
        assert_eq!(
            error_code(br#"{"error": {"code": 400, "type": "exceed_context_size_error"}}"#),
            "exceed_context_size_error"
        );
        assert_eq!(error_code(br#"{"error": "a secret"}"#), "no code");
        assert_eq!(error_code(b"a secret"), "no code");
    }

    #[test]
    fn path_of_the_base_url_is_kept() {
        for (base, url) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/embeddings"),
            ("https://gateway.example.com/openai/v1/", "https://gateway.example.com/openai/v1/embeddings"),
        ] {
            assert_eq!(endpoint(&base.parse().expect("a URL"), "embeddings").as_str(), url);
        }
    }
}
