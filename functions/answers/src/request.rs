//! What a client asks for.

use axum::http::{HeaderMap, header};
use serde::Deserialize;
use shared::domain::{
    conversation::MAX_CONTENT_BYTES,
    ids::{ArtifactId, LabelId},
    input::{Ids, whole},
    parse::or_default,
};
use utoipa::ToSchema;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewAnswer, example = json!({ "content": "How long are backups kept?" }))]
pub struct Question {
    pub content: Content,
    #[serde(default, deserialize_with = "or_default")]
    #[schema(required = false)]
    pub sources: WantedSources,
    /// The most tokens of the answer. The operator's limit is the default.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    pub max_tokens: Option<MaxTokens>,
}

/// A text of 1 to 32,000 bytes in UTF-8.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 32_000, example = "How long are backups kept?",
    pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$",
)]
pub struct Content(pub String);

impl TryFrom<String> for Content {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let is_blank = raw.trim().is_empty();
        // The database has no text with a NUL.
        if is_blank || raw.len() > MAX_CONTENT_BYTES || raw.contains('\0') {
            return Err("a question has 1 to 32000 bytes, and not only white space");
        }
        Ok(Self(raw))
    }
}

/// What the model is given from the artifacts of the organization.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WantedSources {
    #[serde(default, deserialize_with = "or_default")]
    #[schema(required = false, default = "auto")]
    pub mode: SourceMode,
    /// Only from artifacts with one of these labels.
    #[schema(value_type = Option<Vec<LabelId>>, min_items = 1, max_items = 100)]
    pub labels: Option<Ids<LabelId>>,
    /// Only from these artifacts.
    #[schema(value_type = Option<Vec<ArtifactId>>, min_items = 1, max_items = 100)]
    pub artifact_ids: Option<Ids<ArtifactId>>,
}

/// Whether the model is given passages of artifacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceMode {
    /// Those that fit the question best.
    #[default]
    Auto,
    /// None.
    None,
}

/// 1 to 1,000,000.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
pub struct MaxTokens(pub u32);

impl TryFrom<f64> for MaxTokens {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        match whole(number) {
            Some(number @ 1..=1_000_000) => Ok(Self(number)),
            _ => Err("a number of tokens is 1 to 1000000"),
        }
    }
}

/// Returns whether the client wants the answer as a stream. Without a wish it gets one piece of JSON.
pub fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| {
        let name = kind.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use shared::domain::parse;

    use super::*;

    fn accepts(body: &str) -> bool {
        parse::json::<Question>(body.as_bytes()).is_ok()
    }

    #[test]
    fn question_has_1_to_32000_bytes() {
        for content in ["a", " a ", &"😀".repeat(8_000), &"x".repeat(32_000)] {
            assert!(Content::try_from(content.to_owned()).is_ok());
        }
        for content in ["", " \n", "a\0b", &"x".repeat(32_001), &"😀".repeat(8_001)] {
            assert!(Content::try_from(content.to_owned()).is_err());
        }
    }

    #[test]
    fn members_have_defaults() {
        for body in [
            r#"{"content":"a"}"#,
            r#"{"content":"a","sources":{}}"#,
            r#"{"content":"a","sources":{"mode":"none"},"maxTokens":1}"#,
            r#"{"content":"a","sources":{"labels":null,"artifactIds":null},"maxTokens":null}"#,
        ] {
            assert!(accepts(body), "{body}");
        }
        for body in [
            "{}",
            r#"{"content":5}"#,
            r#"{"content":"a","sources":null}"#,
            r#"{"content":"a","sources":{"mode":"all"}}"#,
            r#"{"content":"a","sources":{"labels":[]}}"#,
            r#"{"content":"a","sources":{"x":1}}"#,
            r#"{"content":"a","maxTokens":0}"#,
            r#"{"content":"a","maxTokens":1.5}"#,
            r#"{"content":"a","model":"x"}"#,
        ] {
            assert!(!accepts(body), "{body}");
        }
    }

    #[test]
    fn stream_is_sent_to_clients_that_accept_it() {
        for (values, expected) in [
            (&["text/event-stream"][..], true),
            (&["application/json;q=0.5, Text/Event-Stream; q=1"], true),
            (&["application/json", "text/event-stream"], true),
            (&["application/json"], false),
            (&["*/*"], false),
            (&[], false),
        ] {
            let values = values.iter().map(|value| (header::ACCEPT, HeaderValue::from_static(value)));
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(name, value);
            }
            assert_eq!(wants_stream(&headers), expected, "{headers:?}");
        }
    }
}
