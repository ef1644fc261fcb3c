//! A recent sign-in. It is needed where a stolen access token would do lasting damage.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{ApiError, Refusal};

/// The longest time since the sign-in (`max_age` in RFC 9470). A refresh does not renew it; `POST /v1/auth/reauthenticate` does.
pub const MAX_AGE: TimeDelta = TimeDelta::minutes(10);

const FRESH_SIGN_IN_NEEDED: Refusal = Refusal::unauthorized(
    "fresh-sign-in-needed",
    "This needs a sign-in within the last ten minutes. Sign in again, or prove who you are at /v1/auth/reauthenticate.",
);

/// An actor who signed in within [`MAX_AGE`].
///
/// The actor is extracted first: a caller who may not do this at all gets that refusal.
pub struct Fresh<A>(pub A);

/// An actor that may have a sign-in.
pub trait SignedIn {
    /// Checks whether the sign-in is recent. An API key has no sign-in.
    fn is_fresh(&self) -> bool;

    /// Refuses an actor without a recent sign-in.
    fn require_fresh(&self) -> Result<(), ApiError> {
        if self.is_fresh() { Ok(()) } else { Err(FRESH_SIGN_IN_NEEDED.with_max_age(MAX_AGE)) }
    }
}

pub(super) fn is_recent(authenticated_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - authenticated_at <= MAX_AGE
}

impl<A, S> FromRequestParts<S> for Fresh<A>
where
    A: SignedIn + FromRequestParts<S, Rejection = ApiError>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let actor = A::from_request_parts(parts, state).await?;
        actor.require_fresh()?;
        Ok(Self(actor))
    }
}
