//! Authentication before a change that cannot be undone.

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, SignedIn, caller::UNAUTHENTICATED},
    db::Tx,
    domain::{
        audit::{Action, Event},
        password::Password,
    },
    store::{self, users::User},
};
use utoipa::ToSchema;

use crate::{AuthState, refusals, throttle};

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
        None => caller.require_fresh().map(|()| None),
    }
}

/// Locks the caller until the transaction ends. Refuses if the proof is not valid any more: the password `expected_hash` was replaced,
/// or without one the session has ended, for example through a reset of the password.
pub async fn lock_proved(
    tx: &mut Tx,
    caller: &Caller,
    expected_hash: Option<&str>,
) -> Result<User, ApiError> {
    let user = store::users::lock(tx, caller.user).await?.filter(|user| user.deleted_at.is_none());
    let user = user.ok_or(UNAUTHENTICATED)?;
    let valid = match expected_hash {
        Some(hash) => store::users::password_hash(tx, user.id).await?.as_deref() == Some(hash),
        None => store::sessions::find_live(tx, caller.session).await?.is_some(),
    };
    if valid { Ok(user) } else { Err(UNAUTHENTICATED.into()) }
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
            let event = Event::refused(Action::SessionReauthenticated, Some(caller.user), &caller.request);
            let event = event.through(caller.session);
            caller.transaction(async |tx| Ok(store::audit_events::insert(tx, &event).await?)).await?;
            Err(refusals::WRONG_PASSWORD.into())
        }
    }
}
