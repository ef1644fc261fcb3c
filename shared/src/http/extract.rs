//! Extractors whose rejections are problem documents.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRef, FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use url::form_urlencoded;

use crate::{
    AppState,
    db::Db,
    domain::{
        page::PageQuery,
        parse::{self, Fault, Invalid, Step},
    },
    error::{ApiError, FieldError, NO_SUCH_ROUTE, Refusal},
};

const MALFORMED: Refusal = Refusal::bad_request(
    "malformed-body",
    "The request body is not JSON (RFC 8259), or is nested more than 127 levels deep.",
);
const INVALID: Refusal = Refusal::invalid(
    "invalid-body",
    "The request body is JSON, but does not match the schema of this endpoint; see errors.",
);
pub const INVALID_QUERY: Refusal = Refusal::invalid(
    "invalid-query",
    "The query string does not match the parameters of this endpoint; see errors.",
);
const TOO_LARGE: Refusal = Refusal {
    status: StatusCode::PAYLOAD_TOO_LARGE,
    code: "body-too-large",
    message: "The request body is larger than this endpoint accepts.",
};
const NOT_JSON: Refusal = Refusal {
    status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
    code: "unsupported-media-type",
    message: "The request body must be sent as Content-Type: application/json.",
};

impl<S: Sync> FromRequestParts<S> for Db
where
    AppState: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(AppState::from_ref(state).db.clone())
    }
}

/// The path parameters, as a struct. A path that does not parse is refused with 404, like an unknown path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = RawPathParams::from_request_parts(parts, state).await.map_err(|_| NO_SUCH_ROUTE)?;
        let pairs = raw.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self(parse::parameters(pairs).map_err(|_| NO_SUCH_ROUTE)?))
    }
}

/// The query string of a list: the parameters of the page, and the filter from all other parameters.
pub struct List<F = NoFilter>(pub PageQuery, pub F);

/// The filter of a list that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for List<F> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let (page, filter): (Vec<_>, Vec<_>) = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .partition(|(name, _)| matches!(&**name, "limit" | "cursor" | "sort"));
        match (parse::parameters(page), parse::parameters(filter)) {
            (Ok(page), Ok(filter)) => Ok(Self(page, filter)),
            (page, filter) => {
                let faults = [page.err(), filter.err()].into_iter().flatten().flatten();
                Err(ApiError::fields(INVALID_QUERY, faults.map(of_parameter).collect()))
            }
        }
    }
}

fn of_parameter(Fault { path, detail }: Fault) -> FieldError {
    let name = match path.into_iter().next() {
        Some(Step::Member(name)) => name,
        // The query as a whole.
        Some(Step::Element(_)) | None => String::new(),
    };
    FieldError::of_parameter(name, detail)
}

/// The query string of an operation that is no list.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        parse::parameters(pairs)
            .map(Self)
            .map_err(|faults| ApiError::fields(INVALID_QUERY, faults.into_iter().map(of_parameter).collect()))
    }
}

/// A JSON body. Domain types validate themselves while they are deserialized, so the value is valid.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        read_body(request, state).await.map(|(value, _)| Self(value))
    }
}

/// Reads a JSON body. Returns the value and the bytes.
pub(crate) async fn read_body<T: DeserializeOwned, S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<(T, Bytes), ApiError> {
    if !is_json(request.headers()) {
        return Err(NOT_JSON.into());
    }
    let bytes = read_bytes(request, state).await?;
    Ok((parse_json(&bytes)?, bytes))
}

/// A JSON body that may be missing or `null`.
pub struct OptionalBody<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let json = is_json(request.headers());
        let bytes = read_bytes(request, state).await?;
        match (bytes.is_empty(), json) {
            (true, _) => Ok(Self(None)),
            (false, false) => Err(NOT_JSON.into()),
            (false, true) => parse_json(&bytes).map(Self),
        }
    }
}

/// Checks for `application/json`, or a type based on it (RFC 6839) such as `application/merge-patch+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn read_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { TOO_LARGE.into() } else { MALFORMED.into() }
    })
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    parse::json(bytes).map_err(|invalid| match invalid {
        Invalid::Malformed => MALFORMED.into(),
        Invalid::Faults(faults) => {
            let errors =
                faults.into_iter().map(|Fault { path, detail }| FieldError::new(json_pointer(&path), detail));
            ApiError::fields(INVALID, errors.collect())
        }
    })
}

/// Converts `path` to a JSON Pointer (RFC 6901).
fn json_pointer(path: &[Step]) -> String {
    path.iter().fold(String::new(), |pointer, step| match step {
        Step::Member(name) => format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Element(index) => format!("{pointer}/{index}"),
    })
}
