//! The two ways a request can end badly: a refusal (4xx) or a failure (5xx).

mod body;
mod causes;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use uuid::Uuid;

pub use body::{FieldError, Problem};
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

    /// 402: the plan of the organization does not allow more.
    #[must_use]
    pub const fn payment_required(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, code, message)
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

    /// 503: a dependency is unavailable. Unlike a failure, it moves no alarm.
    #[must_use]
    pub const fn unavailable(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
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
        ApiError::Refused(Refused {
            more: Some(Box::new(More::MaxAge(max_age.num_seconds()))),
            ..self.into()
        })
    }

    /// Adds `limit` and `used`: what the plan allows, and what is used already.
    #[must_use]
    pub fn with_usage(self, limit: i64, used: i64) -> ApiError {
        ApiError::Refused(Refused { more: Some(Box::new(More::Usage { limit, used })), ..self.into() })
    }

    /// Adds `artifactId`: the artifact that is there already.
    #[must_use]
    pub fn with_artifact(self, id: impl Into<Uuid>) -> ApiError {
        ApiError::Refused(Refused { more: Some(Box::new(More::Artifact(id.into()))), ..self.into() })
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
    /// For a 429.
    pub(crate) limit: Option<ReachedLimit>,
    pub(crate) more: Option<Box<More>>,
}

/// What few refusals say.
#[derive(Debug, Clone)]
pub(crate) enum More {
    /// The longest time since a sign-in, in seconds.
    MaxAge(i64),
    /// What a plan allows, and what is used already.
    Usage { limit: i64, used: i64 },
    /// The artifact that is there already.
    Artifact(Uuid),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, errors: Vec::new(), retry_after: None, limit: None, more: None }
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
