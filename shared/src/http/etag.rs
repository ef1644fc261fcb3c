//! Optimistic concurrency: a version shown as `ETag`, checked by `If-Match` (RFC 9110, 8.8.3 and 13.1.1).

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
    "If-Match must hold one strong ETag as this API sent it, or *.",
);

/// A resource's version, as a header.
pub struct ETag(pub i64);

impl IntoResponseParts for ETag {
    type Error = <AppendHeaders<[(header::HeaderName, String); 1]> as IntoResponseParts>::Error;

    fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        AppendHeaders([(header::ETAG, format!("\"{}\"", self.0))]).into_response_parts(parts)
    }
}

/// The version the caller expects to change; `None` when any will do.
pub struct IfMatch(pub Option<i64>);

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let tag = text().pattern(Some(r#"^"[!#-~]*"$"#)).examples(["\"1\""]);
        let any = text().enum_values(Some(["*"]));
        let header = ParameterBuilder::new()
            .name("If-Match")
            .parameter_in(ParameterIn::Header)
            .description(Some("Do it only if this is still the resource's `ETag`."))
            .schema(Some(OneOfBuilder::new().item(tag).item(any)));
        vec![header.build()]
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        if value == HeaderValue::from_static("*") {
            return Ok(Self(None));
        }
        let tag = value.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
        match tag.filter(|tag| tag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')) {
            // A tag we never gave out matches nothing; no version is negative.
            Some(tag) => Ok(Self(Some(tag.parse().unwrap_or(-1)))),
            None => Err(MALFORMED.into()),
        }
    }
}
