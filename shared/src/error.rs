//! The two ways a request ends badly: we refuse it, or we fail it.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A decision we made about the request. Always safe to show to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Who must react, as an HTTP status.
    pub status: StatusCode,
    /// Stable and machine-readable: the end of the problem's `type` URI, part of the public contract.
    pub code: &'static str,
    /// For humans; may be reworded at any time.
    pub message: &'static str,
}

impl Refusal {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub const fn bad_request(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401: we do not know who is calling.
    #[must_use]
    pub const fn unauthorized(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403: we know the caller, who may not do this.
    #[must_use]
    pub const fn forbidden(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 404: there is no such thing, as far as the caller can tell.
    #[must_use]
    pub const fn not_found(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 409: the state of things forbids it.
    #[must_use]
    pub const fn conflict(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 422: well-formed, but not valid.
    #[must_use]
    pub const fn invalid(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 422 about one member of the body, named by its JSON Pointer (RFC 6901).
    #[must_use]
    pub fn at(self, pointer: &'static str) -> ApiError {
        let error = FieldError { pointer: pointer.to_owned(), detail: self.message.to_owned() };
        ApiError::Refused(Refused { refusal: self, errors: vec![error], retry_after: None })
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> ApiError {
        ApiError::Refused(Refused { refusal: self, errors: Vec::new(), retry_after: Some(wait) })
    }
}

pub(crate) const NO_SUCH_ROUTE: Refusal =
    Refusal::not_found("no-such-route", "There is nothing at this path.");
pub(crate) const WRONG_METHOD: Refusal = Refusal::new(
    StatusCode::METHOD_NOT_ALLOWED,
    "wrong-method",
    "This path does not answer to this method; see the Allow header.",
);
const INTERNAL: Refusal =
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.");
const UNAVAILABLE: Refusal = Refusal::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "unavailable",
    "The service cannot answer right now. Try again shortly.",
);
/// How long a client should wait when a dependency is away.
const OUTAGE_RETRY: Duration = Duration::from_secs(5);

/// A refusal with what is particular to this request.
#[derive(Debug, Clone)]
pub struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) retry_after: Option<Duration>,
}

/// What a handler returns instead of a result.
#[derive(Debug)]
pub enum ApiError {
    /// Rendered to the caller.
    Refused(Refused),
    /// Logged with its whole chain; the caller learns nothing but that it happened.
    Failed(anyhow::Error),
}

impl ApiError {
    /// 422 about the member at `pointer` (RFC 6901).
    #[must_use]
    pub fn field(refusal: Refusal, pointer: String, detail: String) -> Self {
        let errors = vec![FieldError { pointer, detail }];
        Self::Refused(Refused { refusal, errors, retry_after: None })
    }
}

impl ApiError {
    /// The status and the sentence of a refusal; nothing if it is a failure.
    #[must_use]
    pub fn refusal(&self) -> Option<(StatusCode, &'static str)> {
        match self {
            Self::Refused(refused) => Some((refused.refusal.status, refused.refusal.message)),
            Self::Failed(_) => None,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Refused { refusal, errors: Vec::new(), retry_after: None })
    }
}

impl<E: Into<anyhow::Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What is wrong with one member of the request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// Where, as a JSON Pointer (RFC 6901); empty for the document as a whole.
    // A body of 64 KiB, with each character escaped.
    #[schema(example = "/email", max_length = 131_072)]
    pub pointer: String,
    /// What is wrong there.
    // It may quote the body: up to six characters for each byte of 64 KiB.
    #[schema(example = "this is not an e-mail address", max_length = 400_000)]
    pub detail: String,
}

/// Every refusal and failure, as RFC 9457 describes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// A stable URI per kind of problem.
    #[schema(example = "https://archesai.com/problems/email-taken", max_length = 128)]
    pub r#type: String,
    /// The status in words.
    #[schema(example = "Conflict", max_length = 64)]
    pub title: &'static str,
    /// The status of this response.
    #[schema(example = 409, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened, for humans.
    #[schema(max_length = 500)]
    pub detail: &'static str,
    /// The path that was asked.
    // The longest URI that the `http` crate reads.
    #[schema(example = "/v1/auth/register", max_length = 65_534)]
    pub instance: String,
    /// The same id as in `X-Request-Id`; quote it when asking for help.
    #[schema(min_length = 1, max_length = 128)]
    pub request_id: String,
    /// For 422: what is wrong, member by member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, max_items = 64)]
    pub errors: Vec<FieldError>,
}

/// Why a request ended badly, left on the response for [`crate::http`] to render and log.
///
/// Rendering here would lack the request's id, and logging here would lose the request's span: a handler's
/// span has closed by the time its error becomes a response.
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
                let away = is_outage(&error);
                let refused = Refused {
                    refusal: if away { UNAVAILABLE } else { INTERNAL },
                    errors: Vec::new(),
                    retry_after: away.then_some(OUTAGE_RETRY),
                };
                Outcome { refused, failure: Some(Arc::new(error)) }
            }
        };
        (outcome.refused.refusal.status, Extension(outcome)).into_response()
    }
}

/// Something that is not ours to mend did not answer, or not in time.
#[derive(Debug, thiserror::Error)]
#[error("{dependency} is away")]
pub struct Unavailable {
    /// Who did not answer.
    pub dependency: &'static str,
    /// What it said instead.
    #[source]
    pub cause: anyhow::Error,
}

impl Unavailable {
    /// Wraps what `dependency` answered.
    pub fn new(dependency: &'static str, cause: impl Into<anyhow::Error>) -> Self {
        Self { dependency, cause: cause.into() }
    }
}

/// Whether retrying the same request later could succeed.
#[must_use]
pub fn is_outage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Unavailable>()
            || cause
                .downcast_ref::<sqlx::Error>()
                .is_some_and(|error| is_database_outage(error) || is_contention(error) || is_refused(error))
    })
}

/// Whether the database is away, rather than displeased.
///
/// By SQLSTATE class (PostgreSQL manual, appendix A): 08 connection exceptions (also what a pooler reports when
/// it has lost its server), 53 out of resources, 57P operator intervention, 25006 a primary that has become
/// a replica.
fn is_database_outage(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Database, Io, Tls};
    match error {
        Io(_) | Tls(_) => true,
        Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") || code == "25006"
        }),
        _ => false,
    }
}

/// Whether the database chose this transaction to give way to another (SQLSTATE class 40: deadlock, serialization failure).
fn is_contention(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("40"))
}

/// Whether the database refuses our password (SQLSTATE `invalid_password`): it was changed since we read it.
pub(crate) fn is_refused(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("28P01"))
}

/// Turns the violation of a named database constraint into a refusal.
///
/// The database is the only place that can check uniqueness without a race, so the code inserts
/// first and reads the answer from the error.
pub trait OnConstraint<T> {
    /// Refuses when the constraint or unique index `name` was violated; fails on any other error.
    fn on_constraint(self, name: &str, refusal: Refusal) -> Result<T, ApiError>;
}

impl<T> OnConstraint<T> for sqlx::Result<T> {
    fn on_constraint(self, name: &str, refusal: Refusal) -> Result<T, ApiError> {
        self.map_err(|error| match &error {
            sqlx::Error::Database(violation) if violation.constraint() == Some(name) => refusal.into(),
            _ => error.into(),
        })
    }
}
