//! The answer of a server of embeddings.

use serde::Deserialize;

use super::{Embedded, EmbeddingError};
use crate::domain::{usage, vector};

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
    texts.iter().map(|text| usage::estimate(text.len())).sum()
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
}
