//! Optimistic concurrency: the version of a resource is its `ETag`, and `If-Match` checks it (RFC 9110, 8.8.3 and 13.1.1).

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{AppendHeaders, IntoResponseParts, ResponseParts},
};

use utoipa::{
    IntoParams,
    openapi::{
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, OneOfBuilder, Type},
    },
};

use crate::{ApiError, Refusal};

/// The resource changed since the caller read it.
pub const STALE: Refusal = Refusal {
    status: StatusCode::PRECONDITION_FAILED,
    code: "stale",
    message: "The resource has changed since you read it. Read it again, then repeat your change.",
};
const MALFORMED: Refusal = Refusal::bad_request(
    "malformed-if-match",
    "If-Match must contain strong ETags from this API, separated by commas, or *.",
);
/// Not equal to any version.
const UNKNOWN: i64 = -1;

/// The `ETag` header with the version of a resource.
pub struct ETag(pub i64);

impl IntoResponseParts for ETag {
    type Error = <AppendHeaders<[(header::HeaderName, String); 1]> as IntoResponseParts>::Error;

    fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        AppendHeaders([(header::ETAG, format!("\"{}\"", self.0))]).into_response_parts(parts)
    }
}

/// The versions in `If-Match`: the resource must have one of them. `None` allows any.
pub struct IfMatch(pub Option<Vec<i64>>);

impl IfMatch {
    /// Refuses a resource whose version is not listed.
    pub fn require(&self, version: i64) -> Result<(), ApiError> {
        match &self.0 {
            Some(versions) if !versions.contains(&version) => Err(STALE.into()),
            _ => Ok(()),
        }
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let tags =
            text().pattern(Some(r#"^"[!#-~]*"( *, *"[!#-~]*")*$"#)).examples(["\"1\"", "\"1\", \"2\""]);
        let any = text().enum_values(Some(["*"]));
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .description(Some("Change the resource only if one of these is its current `ETag`."))
            .schema(Some(OneOfBuilder::new().item(tags).item(any)));
        vec![header.build()]
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Several headers with one name are one list (RFC 9110, 5.3).
        let lines: Result<Vec<_>, _> =
            parts.headers.get_all(header::IF_MATCH).iter().map(HeaderValue::to_str).collect();
        let lines = lines.map_err(|_| MALFORMED)?;
        if lines.iter().all(|line| *line == "*") {
            return Ok(Self(None));
        }
        Ok(Self(Some(versions(&lines.join(",")).ok_or(MALFORMED)?)))
    }
}

/// Returns the versions in a list of `ETags`; `None` if the list is malformed or contains no strong tag.
///
/// A weak tag matches nothing (RFC 9110, 13.1.1). Neither does a tag that is not a version.
fn versions(list: &str) -> Option<Vec<i64>> {
    let mut versions = Vec::new();
    let mut rest = list;
    loop {
        // Empty elements are ignored (RFC 9110, 5.6.1.2).
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (!versions.is_empty()).then_some(versions);
        }
        let strong = rest.strip_prefix("W/").unwrap_or(rest);
        let (tag, after) = strong.strip_prefix('"')?.split_once('"')?;
        let after = after.trim_start_matches([' ', '\t']);
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) || !(after.is_empty() || after.starts_with(',')) {
            return None;
        }
        if strong.len() == rest.len() {
            versions
                .push(tag.parse().ok().filter(|version: &i64| version.to_string() == tag).unwrap_or(UNKNOWN));
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_strong_tags() {
        for (list, expected) in [
            (r#""1""#, vec![1]),
            (r#""1", "2""#, vec![1, 2]),
            ("\"1\",\"2\"\t, \"3\"", vec![1, 2, 3]),
            (r#", "1",, "2" ,"#, vec![1, 2]),
            (r#"W/"1", "2""#, vec![2]),
            (r#""1,2", "", "abc""#, vec![UNKNOWN; 3]),
            (r#""+1", "01""#, vec![UNKNOWN; 2]),
        ] {
            assert_eq!(versions(list), Some(expected), "{list}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for list in [
            "",
            ",",
            "1",
            "*",
            r#"""#,
            r#""1"#,
            r#"1""#,
            r#""1" "2""#,
            r#""1""2""#,
            r#""1", *"#,
            r#""1", 2"#,
            r#"W/"1""#,
            r#"w/"1", "1""#,
            r#"W/ "1", "1""#,
            r#""1 2""#,
        ] {
            assert_eq!(versions(list), None, "{list}");
        }
    }
}
