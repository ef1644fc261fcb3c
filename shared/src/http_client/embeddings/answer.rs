//! The answer of a server of embeddings.

use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;

use super::{Embedded, EmbeddingError};
use crate::domain::vector;

const MAX_ERROR_BYTES: usize = 64 << 10;
/// For a 429 without `Retry-After`.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(20);
/// A server may not delay work longer than this.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(10);
/// Usual text has 4 bytes or more for each token.
const BYTES_PER_TOKEN: usize = 3;
/// Tokens that a model adds to each text: its beginning, its end.
const EXTRA_TOKENS: usize = 8;

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
pub(super) fn parse(body: &[u8], texts: &[&str], dimensions: u32) -> Result<Embedded, EmbeddingError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        // serde's message can repeat a value: a server may have put a text there.
        let why = format!("not of the expected form at line {}, column {}", error.line(), error.column());
        EmbeddingError::Invalid { why, tokens: 0 }
    })?;
    let reported = answer.usage.and_then(|usage| usage.prompt_tokens.or(usage.total_tokens));
    let tokens = reported.filter(|tokens| (1..=max_tokens(texts)).contains(tokens));
    let tokens = tokens.unwrap_or_else(|| estimate(texts));
    let vectors = read_vectors(answer.data, texts.len(), dimensions);
    let vectors = vectors.map_err(|why| EmbeddingError::Invalid { why, tokens })?;
    Ok(Embedded { vectors, tokens })
}

/// Returns the vectors in the order of their texts.
fn read_vectors(data: Vec<Item>, expected: usize, dimensions: u32) -> Result<Vec<Vec<f32>>, String> {
    let count = data.len();
    if count != expected {
        return Err(format!("{count} vectors for {expected} texts"));
    }
    let mut vectors = vec![Vec::new(); count];
    for (place, item) in data.into_iter().enumerate() {
        let index = item.index.unwrap_or(place);
        let slot = vectors.get_mut(index).filter(|slot| slot.is_empty());
        let slot = slot.ok_or_else(|| format!("index {index} is out of range or repeated"))?;
        let length = item.embedding.len();
        if u32::try_from(length) != Ok(dimensions) {
            return Err(format!("a vector has {length} numbers instead of {dimensions}"));
        }
        *slot = vector::normalized(item.embedding).ok_or("a vector has no direction")?;
    }
    Ok(vectors)
}

/// Returns the most tokens that `texts` can have: a token has a byte at least.
fn max_tokens(texts: &[&str]) -> u64 {
    texts.iter().map(|text| (text.len() + EXTRA_TOKENS) as u64).sum()
}

/// Returns more tokens than `texts` usually have. Random letters and some scripts have more: up to one for each byte.
#[must_use]
pub fn estimate(texts: &[&str]) -> u64 {
    let tokens = texts.iter().map(|text| text.len().div_ceil(BYTES_PER_TOKEN) as u64);
    tokens.sum()
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is compared with `date`, the clock of the server.
pub(super) fn retry_after(value: Option<&str>, date: Option<&str>) -> Duration {
    let time = |text: &str| DateTime::parse_from_rfc2822(text.trim()).ok();
    let until = |value: &str| Some((time(value)? - time(date?)?).to_std().unwrap_or_default());
    let seconds = |value: &str| value.trim().parse().ok().map(Duration::from_secs);
    let wait = value.and_then(|value| seconds(value).or_else(|| until(value)));
    wait.unwrap_or(DEFAULT_RETRY_AFTER).clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
}

/// Returns the code of an error of OpenAI's API. Not its message, which may repeat a text.
pub(super) fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refused {
        error: Reason,
    }
    #[derive(Deserialize)]
    struct Reason {
        code: Option<String>,
        r#type: Option<String>,
    }
    let is_code = |code: &String| {
        code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    let refused = serde_json::from_slice::<Refused>(&body[..body.len().min(MAX_ERROR_BYTES)]).ok();
    let code = refused.and_then(|refused| refused.error.code.or(refused.error.r#type));
    code.filter(is_code).unwrap_or_else(|| "no code".to_owned())
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
            assert!(matches!(answer(data), Err(EmbeddingError::Invalid { .. })), "{data}");
        }
        assert!(matches!(parse(b"<html>", &["one"], 2), Err(EmbeddingError::Invalid { .. })));
    }

    #[test]
    fn tokens_that_the_server_does_not_report_are_estimated() {
        for usage in [
            "",
            r#", "usage": null"#,
            r#", "usage": {"prompt_tokens": 0}"#,
            // More than one for each byte.
            r#", "usage": {"prompt_tokens": 19}"#,
            r#", "usage": {"prompt_tokens": 18446744073709551615}"#,
        ] {
            let body = format!(r#"{{"data": [{{"embedding": [1, 0]}}]{usage}}}"#);
            assert_eq!(parse(body.as_bytes(), &["ten bytes!"], 2).expect("an answer").tokens, 4, "{usage}");
        }
        let body = br#"{"data": [{"embedding": [1, 0]}], "usage": {"total_tokens": 18}}"#;
        assert_eq!(parse(body, &["ten bytes!"], 2).expect("an answer").tokens, 18);
    }

    #[test]
    fn tokens_of_an_unusable_answer_are_to_be_paid() {
        let error = answer(r#"[{"index": 0, "embedding": [1, 0]}]"#).expect_err("a vector is missing");
        assert_eq!(error.tokens(), 7);
    }

    #[test]
    fn text_in_an_unusable_answer_is_not_repeated() {
        for data in [r#""a secret""#, r#"[{"embedding": ["a secret"]}]"#, r#"[{"embedding": "a secret"}]"#] {
            let error = answer(data).expect_err("no vectors").to_string();
            assert!(!error.contains("secret") && error.contains("column"), "{error}");
        }
    }

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
        assert_eq!(error_code(b"a secret"), "no code");
    }
}
