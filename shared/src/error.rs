//! The two ways a request can end badly: a refusal (4xx) or a failure (5xx).

mod causes;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use causes::{Failure, is_contention, is_wrong_password};
pub use causes::{OnConstraint, Unavailable, is_outage, is_time_limit};

/// A reason to refuse a request. It is always safe to show to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    /// The end of the problem's `type` URI. Part of the public contract; never changes.
    pub code: &'static str,
    /// Text for humans. May be reworded at any time.
    pub message: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    /// 400: the request is malformed.
    #[must_use]
    pub const fn bad_request(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: the caller is unknown.
    #[must_use]
    pub const fn unauthorized(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403: the caller is known but not allowed.
    #[must_use]
    pub const fn forbidden(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: the resource does not exist, or the caller must not learn that it does.
    #[must_use]
    pub const fn not_found(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 409: the current state does not allow the request.
    #[must_use]
    pub const fn conflict(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 422: well-formed, but not valid.
    #[must_use]
    pub const fn invalid(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// Makes a 422 about one member of the body, named by its JSON Pointer (RFC 6901).
    #[must_use]
    pub fn at(self, pointer: &'static str) -> ApiError {
        let error = FieldError::new(pointer.to_owned(), self.message.to_owned());
        ApiError::Refused(Refused { errors: vec![error], ..self.into() })
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> ApiError {
        ApiError::Refused(Refused { retry_after: Some(wait), ..self.into() })
    }

    /// Returns whether `error` is this refusal.
    #[must_use]
    pub fn is(&self, error: &ApiError) -> bool {
        matches!(error, ApiError::Refused(refused) if refused.refusal.code == self.code)
    }

    /// Adds `maxAge`: the longest time since a sign-in.
    #[must_use]
    pub fn with_max_age(self, max_age: TimeDelta) -> ApiError {
        ApiError::Refused(Refused { max_age: Some(max_age.num_seconds()), ..self.into() })
    }
}

/// A 429. It can be returned only together with the limit that was reached, so every 429 has `Retry-After` and `RateLimit-*`.
#[derive(Debug, Clone, Copy)]
pub struct TooMany(Refusal);

impl TooMany {
    /// 429: a limit is reached.
    #[must_use]
    pub const fn new(code: &'static str, message: &'static str) -> Self {
        Self(Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message))
    }

    /// Adds the limit that was reached.
    #[must_use]
    pub fn reached(self, reached: ReachedLimit) -> ApiError {
        let refused = Refused { retry_after: Some(reached.wait), limit: Some(reached), ..self.0.into() };
        ApiError::Refused(refused)
    }
}

/// A limit that allows nothing more for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReachedLimit {
    /// The number that is allowed.
    pub limit: u32,
    /// The time after which one more is allowed; at least one second.
    pub wait: Duration,
}

impl ReachedLimit {
    /// Rounds `wait` up to whole seconds.
    #[must_use]
    pub fn new(limit: u32, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Self { limit, wait: Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)) }
    }
}

pub(crate) const NO_SUCH_ROUTE: Refusal =
    Refusal::not_found("no-such-route", "There is nothing at this path.");
pub(crate) const WRONG_METHOD: Refusal = Refusal::new(
    StatusCode::METHOD_NOT_ALLOWED,
    "wrong-method",
    "This path does not support this method; see the Allow header.",
);
const INTERNAL: Refusal =
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.");
const UNAVAILABLE: Refusal = Refusal::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "unavailable",
    "The service cannot answer right now. Try again shortly.",
);
/// `Retry-After` while a dependency is unavailable.
const OUTAGE_RETRY_AFTER: Duration = Duration::from_secs(5);

/// A refusal of one request, with its details.
#[derive(Debug, Clone)]
pub struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) retry_after: Option<Duration>,
    /// Seconds.
    pub(crate) max_age: Option<i64>,
    /// For a 429.
    pub(crate) limit: Option<ReachedLimit>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, errors: Vec::new(), retry_after: None, max_age: None, limit: None }
    }
}

/// The error of a handler.
#[derive(Debug)]
pub enum ApiError {
    /// Shown to the caller.
    Refused(Refused),
    /// Logged with its whole chain. The caller sees only that the request failed.
    Failed(anyhow::Error),
}

impl ApiError {
    /// Makes a 422 with what is wrong in the request.
    #[must_use]
    pub fn fields(refusal: Refusal, errors: Vec<FieldError>) -> Self {
        Self::Refused(Refused { errors, ..refusal.into() })
    }

    /// Returns the status and the text of a refusal; `None` for a failure.
    #[must_use]
    pub fn refusal(&self) -> Option<(StatusCode, &'static str)> {
        match self {
            Self::Refused(refused) => Some((refused.refusal.status, refused.refusal.message)),
            Self::Failed(_) => None,
        }
    }

    /// Returns the limit that was reached; `None` unless it is a 429.
    #[must_use]
    pub fn limit(&self) -> Option<ReachedLimit> {
        match self {
            Self::Refused(refused) => refused.limit,
            Self::Failed(_) => None,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// An error in one member of the body or in one parameter of the query. It has either `pointer` or `parameter`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// The member of the body, as a JSON Pointer (RFC 6901); empty for the body as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    // A body of 64 KiB, with each character escaped.
    #[schema(value_type = String, required = false, example = "/email", max_length = 131_072)]
    pub pointer: Option<String>,
    /// The parameter of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    // The longest URI that the `http` crate reads.
    #[schema(value_type = String, required = false, example = "since", max_length = 65_534)]
    pub parameter: Option<String>,
    /// What is wanted. It does not repeat the value.
    #[schema(example = "this must be an e-mail address such as ada@example.com", max_length = 1000)]
    pub detail: String,
}

impl FieldError {
    /// Makes an error in the member of the body at `pointer` (RFC 6901).
    #[must_use]
    pub fn new(pointer: String, detail: String) -> Self {
        Self { pointer: Some(pointer), parameter: None, detail }
    }

    /// Makes an error in a parameter of the query.
    #[must_use]
    pub fn of_parameter(parameter: String, detail: String) -> Self {
        Self { pointer: None, parameter: Some(parameter), detail }
    }
}

/// The body of every refusal and failure (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A URI that identifies the kind of problem. It never changes.
    #[schema(example = "https://archesai.com/problems/email-taken", max_length = 128)]
    pub r#type: String,
    /// The status in words.
    #[schema(example = "Conflict", max_length = 64)]
    pub title: &'static str,
    /// The status of this response.
    #[schema(example = 409, minimum = 400, maximum = 599)]
    pub status: u16,
    /// An explanation for humans. The text may change.
    #[schema(max_length = 500)]
    pub detail: &'static str,
    /// The path of the request.
    // The longest URI that the `http` crate reads.
    #[schema(example = "/v1/auth/register", max_length = 65_534)]
    pub instance: String,
    /// The same id as in `X-Request-Id`. Include it when you ask for help.
    #[schema(min_length = 1, max_length = 128)]
    pub request_id: String,
    /// For 422: the errors, one for each member or parameter that is invalid, unknown or missing. There may be more than are listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, max_items = 64)]
    pub errors: Vec<FieldError>,
    /// For `fresh-sign-in-needed`: the longest time since the sign-in, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 600, minimum = 1, maximum = 86_400)]
    pub max_age: Option<i64>,
}

/// The reason of a refusal or failure. It travels on the response to [`crate::http`], which renders and logs it.
///
/// Rendering here would lack the request id. Logging here would lose the request's span: a handler's span is closed when its
/// error becomes a response.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub refused: Refused,
    pub failure: Option<Arc<anyhow::Error>>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let outcome = match self {
            Self::Refused(refused) => Outcome { refused, failure: None },
            Self::Failed(error) => {
                let outage = is_outage(&error);
                let refusal = if outage { UNAVAILABLE } else { INTERNAL };
                let refused = Refused { retry_after: outage.then_some(OUTAGE_RETRY_AFTER), ..refusal.into() };
                Outcome { refused, failure: Some(Arc::new(error)) }
            }
        };
        let (status, limit) = (outcome.refused.refusal.status, outcome.refused.limit);
        let mut response = (status, Extension(outcome)).into_response();
        if let Some(limit) = limit {
            response.extensions_mut().insert(limit);
        }
        response
    }
}
