//! Asking once more who it is, before what cannot be undone.

use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Caller,
    domain::{actor::RequestInfo, password::Password},
};
use utoipa::ToSchema;

use crate::{AuthState, password::change, refusals};

/// How long after a sign-in the password is not asked for again.
const FRESH: TimeDelta = TimeDelta::minutes(10);

/// Proof that it is really me.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reauthentication {
    /// Not needed within ten minutes after signing in.
    current_password: Option<Password>,
}

/// Refuses who neither gives the password nor has just signed in; gives the hash that the password matched.
pub async fn reauthenticate(
    state: &AuthState,
    caller: &Caller,
    proof: Option<Reauthentication>,
    request: &RequestInfo,
) -> Result<Option<String>, ApiError> {
    match proof.and_then(|proof| proof.current_password) {
        Some(password) => Ok(Some(change::verify(state, caller, &password, request).await?)),
        None if state.app.clock.now() - caller.authenticated_at <= FRESH => Ok(None),
        None => Err(refusals::REAUTHENTICATE.into()),
    }
}
