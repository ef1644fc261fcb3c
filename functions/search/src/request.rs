//! What a client asks for.

use serde::{Deserialize, Serialize};
use shared::domain::{
    ids::{ArtifactId, LabelId},
    input::{Ids, whole},
    parse::or_default,
};
use utoipa::ToSchema;

const DEFAULT_LIMIT: u8 = 10;
const MAX_LIMIT: u8 = 50;

/// How chunks are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SearchMode)]
pub enum Mode {
    /// By meaning and by words. A chunk that is found both ways is near the top.
    #[default]
    Hybrid,
    /// By meaning, whatever the words.
    Semantic,
    /// By words. `"quoted words"` must stand next to each other, `or` means one of both, and `-word` must not occur.
    Keyword,
}

/// A search in the artifacts of an organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SearchRequest {
    pub query: SearchQuery,
    #[serde(default, deserialize_with = "or_default")]
    #[schema(required = false, default = "hybrid")]
    pub mode: Mode,
    /// The maximum number of chunks in the answer.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(value_type = u8, required = false, minimum = 1, maximum = 50, default = 10)]
    pub limit: Limit,
    /// Search only in artifacts with one of these labels.
    #[schema(value_type = Option<Vec<LabelId>>, min_items = 1, max_items = 100)]
    pub labels: Option<Ids<LabelId>>,
    /// Search only in these artifacts.
    #[schema(value_type = Option<Vec<ArtifactId>>, min_items = 1, max_items = 100)]
    pub artifact_ids: Option<Ids<ArtifactId>>,
}

/// The text that is searched for: 1 to 1,000 characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(
    value_type = String, min_length = 1, max_length = 1000, example = "how long is a deleted account kept",
    pattern = r"^[^\u0000]*[^\s\u0000\u0085][^\u0000]*$",
)]
pub struct SearchQuery(String);

impl AsRef<str> for SearchQuery {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SearchQuery {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        let query = raw.trim();
        match raw.chars().count() {
            1..=1000 if !query.is_empty() && !query.contains('\0') => Ok(Self(query.to_owned())),
            _ => Err("a query has 1 to 1000 characters, and not only white space"),
        }
    }
}

/// 1 to 50.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "f64")]
pub struct Limit(pub u8);

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl TryFrom<f64> for Limit {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        match whole(number) {
            Some(number @ 1..=MAX_LIMIT) => Ok(Self(number)),
            _ => Err("a limit is 1 to 50"),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::parse;

    use super::*;

    fn accepts(body: &str) -> bool {
        parse::json::<SearchRequest>(body.as_bytes()).is_ok()
    }

    #[test]
    fn query_is_text_of_1_to_1000_characters() {
        for query in
            ["a", " rotate keys ", &"😀".repeat(1000), "a & b | !c <-> ((", "'; DROP TABLE chunks; --"]
        {
            assert!(SearchQuery::try_from(query.to_owned()).is_ok(), "{query:?}");
        }
        for query in ["", "  ", "\u{a0}", "a\0b", &"x".repeat(1001)] {
            assert!(SearchQuery::try_from(query.to_owned()).is_err(), "{query:?}");
        }
    }

    #[test]
    fn lists_of_ids_are_missing_or_have_1_to_100() {
        let id = "\"01890000-0000-7000-8000-000000000000\"";
        let list = |count| format!(r#"{{"query":"a","artifactIds":[{}]}}"#, vec![id; count].join(","));
        assert!(accepts(r#"{"query":"a"}"#));
        assert!(accepts(&list(1)) && accepts(&list(100)));
        assert!(!accepts(&list(0)) && !accepts(&list(101)));
        assert!(accepts(r#"{"query":"a","labels":null}"#));
        assert!(!accepts(r#"{"query":"a","labels":["x"]}"#));
    }

    #[test]
    fn limit_is_1_to_50() {
        assert!(accepts(r#"{"query":"a","limit":50}"#) && accepts(r#"{"query":"a","limit":1.0}"#));
        for limit in ["0", "51", "1.5", "-1", "null", "\"5\""] {
            assert!(!accepts(&format!(r#"{{"query":"a","limit":{limit}}}"#)), "{limit}");
        }
    }
}
