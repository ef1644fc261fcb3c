//! Authentication before a change that cannot be undone.

use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::{
        audit::{Action, Event},
        password::Password,
    },
    store,
};
use utoipa::ToSchema;

use crate::{AuthState, refusals, throttle};

/// The time after a sign-in in which the password is not needed.
const RECENT_SIGN_IN: TimeDelta = TimeDelta::minutes(10);

/// Proof that the caller owns the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reauthentication {
    /// Not needed within ten minutes after the sign-in.
    current_password: Option<Password>,
}

/// Refuses a caller who neither gives the password nor has just signed in. Returns the hash that the password matched, if any.
pub async fn reauthenticate(
    state: &AuthState,
    caller: &Caller,
    proof: Option<Reauthentication>,
) -> Result<Option<String>, ApiError> {
    match proof.and_then(|proof| proof.current_password) {
        Some(password) => Ok(Some(verify_password(state, caller, &password).await?)),
        None if state.app.clock.now() - caller.authenticated_at <= RECENT_SIGN_IN => Ok(None),
        None => Err(refusals::REAUTHENTICATE.into()),
    }
}

/// Verifies the caller's password, and returns the stored hash. Attempts are limited as at the login. A failure is recorded in the
/// audit log.
pub async fn verify_password(
    state: &AuthState,
    caller: &Caller,
    password: &Password,
) -> Result<String, ApiError> {
    let attempt = throttle::attempt(state, &caller.user.to_string(), &caller.request).await?;
    let hash = caller.transaction(async |tx| Ok(store::users::password_hash(tx, caller.user).await?)).await?;
    let verified = state.passwords.verify(password, hash.as_deref())?;
    match hash {
        Some(hash) if verified.matches => {
            attempt.succeed(state).await;
            Ok(hash)
        }
        _ => {
            // The session may be stolen, so its user is not the actor.
            let event = Event::refused(Action::Reauthenticated, Some(caller.user), &caller.request);
            let event = event.through(caller.session);
            caller.transaction(async |tx| Ok(store::audit_events::insert(tx, &event).await?)).await?;
            Err(refusals::WRONG_PASSWORD.into())
        }
    }
}
