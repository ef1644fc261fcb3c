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
    throttle::{self, Attempt, Guesser},
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
    if let Some(hash) = expected_hash {
        return Ok(store::users::lock_with_password(tx, caller.user, hash).await?.ok_or(UNAUTHENTICATED)?);
    }
    let user = store::users::lock(tx, caller.user).await?.filter(|user| user.deleted_at.is_none());
    let valid = is_proof_valid(tx, caller.user, Some(caller.session), None).await?;
    Ok(user.filter(|_| valid).ok_or(UNAUTHENTICATED)?)
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

/// Verifies the caller's password, and returns the stored hash. Of a user with a second factor, the sign-in must be recent too: it needed both.
pub async fn verify_password(
    state: &AuthState,
    caller: &Caller,
    password: &Password,
) -> Result<String, ApiError> {
    let compared = compare_password(state, caller, password).await?;
    if compared.has_second_factor && !caller.is_fresh() {
        return Err(refusals::SECOND_FACTOR_NEEDED.into());
    }
    Ok(compared.hash)
}

/// A password that is the caller's.
pub struct ComparedPassword {
    /// The stored hash.
    hash: String,
    /// Whether the password alone does not prove who the caller is.
    pub has_second_factor: bool,
}

/// Compares the caller's password. Attempts are limited per session: a thief's do not stop the owner's. A failure is recorded in the audit
/// log.
pub async fn compare_password(
    state: &AuthState,
    caller: &Caller,
    password: &Password,
) -> Result<ComparedPassword, ApiError> {
    let user = caller.user;
    let attempt = PasswordAttempt::count(state, user, Some(caller.session), &caller.request).await?;
    let proofs = match caller.read(async |tx| Ok(store::users::proofs(tx, user).await?)).await {
        Ok(proofs) => proofs,
        Err(error) => {
            attempt.counted.take_back(state).await;
            return Err(error);
        }
    };
    let has_second_factor = proofs.as_ref().is_some_and(|proofs| proofs.has_second_factor);
    let hash = proofs.and_then(|proofs| proofs.password_hash);
    let hash = attempt.compare(state, caller, password, hash).await?;
    Ok(ComparedPassword { hash, has_second_factor })
}

/// An attempt to prove again who the user of an account is. It is counted before the password is compared.
pub struct PasswordAttempt<'a> {
    user: UserId,
    /// A session of the user.
    session: Option<SessionId>,
    request: &'a RequestInfo,
    counted: Attempt,
}

impl<'a> PasswordAttempt<'a> {
    /// Counts the attempt, or refuses it.
    pub async fn count(
        state: &AuthState,
        user: UserId,
        session: Option<SessionId>,
        request: &'a RequestInfo,
    ) -> Result<Self, ApiError> {
        let guesser = session.map_or(Guesser::Source(request), Guesser::Session);
        let counted = throttle::attempt(state, &user.to_string(), guesser).await?;
        Ok(Self { user, session, request, counted })
    }

    /// Compares `password` with the user's `hash`, and returns the hash. A failure is recorded in the audit log.
    pub async fn compare(
        self,
        state: &AuthState,
        actor: &impl Actor,
        password: &Password,
        hash: Option<String>,
    ) -> Result<String, ApiError> {
        let Self { user, session, request, counted } = self;
        let verified = state.passwords.verify(password, hash.as_deref())?;
        if let Some(hash) = hash.filter(|_| verified.matches) {
            counted.succeed(state).await;
            return Ok(hash);
        }
        // The session may be stolen, so its user is not the actor.
        let event = Event { session, ..Event::refused(Action::SessionReauthenticated, Some(user), request) };
        actor.transaction(async |tx| Ok(store::audit_events::insert(tx, &event).await?)).await?;
        Err(refusals::WRONG_PASSWORD.into())
    }
}
