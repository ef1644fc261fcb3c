//! Authentication before a change that cannot be undone.

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, SignedIn, caller::UNAUTHENTICATED},
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::{SessionId, UserId},
        password::Password,
    },
    store::{self, users::User},
};
use utoipa::ToSchema;

use crate::{
    AuthState, refusals,
    throttle::{self, Guesser},
};

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
    let valid = is_proof_valid(tx, user.id, Some(caller.session), expected_hash).await?;
    if valid { Ok(user) } else { Err(UNAUTHENTICATED.into()) }
}

/// Checks whether a proof is still valid: the password is still the one with `expected_hash`, or without one the session is live.
pub async fn is_proof_valid(
    tx: &mut Tx,
    user: UserId,
    session: Option<SessionId>,
    expected_hash: Option<&str>,
) -> Result<bool, ApiError> {
    Ok(match (expected_hash, session) {
        (Some(hash), _) => store::users::password_hash(tx, user).await?.as_deref() == Some(hash),
        (None, Some(session)) => store::sessions::find_live(tx, session).await?.is_some(),
        (None, None) => false,
    })
}

/// Verifies the caller's password, and returns the stored hash. Attempts are limited per session: a thief's do not stop the
/// owner's. A failure is recorded in the audit log.
pub async fn verify_password(
    state: &AuthState,
    caller: &Caller,
    password: &Password,
) -> Result<String, ApiError> {
    verify_password_of(state, caller, caller.user, Some(caller.session), &caller.request, password).await
}

/// Verifies the password of `user` for a request of `actor`, with or without a session of that user. See [`verify_password`].
pub async fn verify_password_of(
    state: &AuthState,
    actor: &impl Actor,
    user: UserId,
    session: Option<SessionId>,
    request: &RequestInfo,
    password: &Password,
) -> Result<String, ApiError> {
    let guesser = session.map_or(Guesser::Source(request), Guesser::Session);
    let attempt = throttle::attempt(state, &user.to_string(), guesser).await?;
    let hash = actor.read(async |tx| Ok(store::users::password_hash(tx, user).await?)).await;
    let hash = match hash {
        Ok(hash) => hash,
        Err(error) => {
            attempt.take_back(state).await;
            return Err(error);
        }
    };
    let verified = state.passwords.verify(password, hash.as_deref())?;
    match hash {
        Some(hash) if verified.matches => {
            attempt.succeed(state).await;
            Ok(hash)
        }
        _ => {
            // The session may be stolen, so its user is not the actor.
            let event =
                Event { session, ..Event::refused(Action::SessionReauthenticated, Some(user), request) };
            actor.transaction(async |tx| Ok(store::audit_events::insert(tx, &event).await?)).await?;
            Err(refusals::WRONG_PASSWORD.into())
        }
    }
}
