//! The causes of failures: what is temporary, what the database refused.

use super::{ApiError, Refusal};

/// A dependency failed or did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("{dependency} unavailable")]
pub struct Unavailable {
    pub dependency: &'static str,
    #[source]
    pub cause: anyhow::Error,
}

impl Unavailable {
    pub fn new(dependency: &'static str, cause: impl Into<anyhow::Error>) -> Self {
        Self { dependency, cause: cause.into() }
    }
}

/// Checks whether the cause is temporary, so that the same request may succeed later.
#[must_use]
pub fn is_outage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Unavailable>()
            || cause.downcast_ref::<sqlx::Error>().is_some_and(|error| {
                is_database_outage(error) || is_rollback(error) || is_wrong_password(error)
            })
    }) || is_time_limit(error)
}

/// Checks whether the database ended the statement or the transaction because it took too long: see `functions/migrate/src/logins.rs`.
///
/// 57014: `statement_timeout`. 55P03: `lock_timeout`. 25P03: `idle_in_transaction_session_timeout`. 25P04: `transaction_timeout`.
#[must_use]
pub fn is_time_limit(error: &anyhow::Error) -> bool {
    let is_limit = |error: &sqlx::Error| {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| ["57014", "55P03", "25P03", "25P04"].contains(&&*code))
    };
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_limit))
}

/// An error that a failure can become.
pub(crate) trait Failure: From<anyhow::Error> {
    /// Returns the failure; `None` for a refusal.
    fn failure(&self) -> Option<&anyhow::Error>;
}

impl Failure for ApiError {
    fn failure(&self) -> Option<&anyhow::Error> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl Failure for anyhow::Error {
    fn failure(&self) -> Option<&anyhow::Error> {
        Some(self)
    }
}

/// Checks whether the database rolled the transaction back because of a concurrent one, so that the same work may succeed now:
/// SQLSTATE 40001 (serialization failure) or 40P01 (deadlock). The rest of class 40 is not repeated: after 40003 nobody knows
/// the outcome.
pub(crate) fn is_contention(error: &anyhow::Error) -> bool {
    let is_one = |error: &sqlx::Error| {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        matches!(code.as_deref(), Some("40001" | "40P01"))
    };
    error.chain().any(|cause| cause.downcast_ref::<sqlx::Error>().is_some_and(is_one))
}

/// Checks whether the database is unavailable, by SQLSTATE class (PostgreSQL manual, appendix A).
///
/// 08: connection exceptions, also reported by a pooler that lost its server. 53: out of resources. 57P: operator intervention.
/// 25006: a primary that became a replica.
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

/// Checks for SQLSTATE class 40, transaction rollback: deadlock or serialization failure.
fn is_rollback(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("40"))
}

/// Checks whether the database refused the password (SQLSTATE `invalid_password`): it was changed after it was read.
pub(crate) fn is_wrong_password(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("28P01"))
}

/// Turns the violation of a named database constraint into a refusal.
///
/// Only the database can check uniqueness without a race. So the code inserts first, and a violation is the answer.
pub trait OnConstraint<T> {
    /// Turns a violation of the constraint or unique index `name` into `refusal`. Any other error is a failure.
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
