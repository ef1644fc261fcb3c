//! `POST /v1/auth/login`

use std::time::Duration;

use axum::{extract::State, http::HeaderMap};
use serde::Deserialize;
use shared::{
    ApiError,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        factor::Factor,
        ids::UserId,
        input::Email,
        page::Data,
        parse::or_default,
        password::Password,
    },
    http::extract::Body,
    store::{self, users::User},
};
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;

use super::{
    challenges::ChallengeNeeded,
    device::Device,
    first_step::{self, FirstAnswer},
    origin::Origin,
    session_tokens::{SignedIn, Transport},
};
use crate::{
    AuthState, refusals,
    throttle::{self, Attempt, Guesser},
};

/// While accounts have imported passwords, a refused sign-in takes this time. Hashes of other systems take other times than ours, so the
/// time would reveal that an address has an account, and from which system. Longer than the costliest of them
/// ([`shared::crypto::imported_password`]) takes with the memory of this function.
const UNIFORM_REFUSAL_TIME: Duration = Duration::from_millis(1500);

/// The address and the password of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Credentials {
    email: Email,
    password: Password,
    /// The token from an earlier sign-in, unless it is in the cookie. One that is unknown or expired is ignored.
    #[schema(max_length = 78)]
    device_token: Option<String>,
    /// The place of the refresh token.
    #[serde(default, deserialize_with = "or_default")]
    transport: Transport,
}

/// Sign in with a password.
///
/// A wrong password, an unknown address, and a suspended or deleted account get the same response in the same time. After 100 wrong
/// passwords in a row, only a known device (`deviceToken`) or a mail gets in.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "auth", operation_id = "login",
    request_body = Credentials,
    responses(
        (status = 200, description = "The account has a second factor: there is no session yet.", body = Data<ChallengeNeeded>),
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 401, description = "`wrong-credentials`"),
        (status = 403, description = "`foreign-origin`"),
        (status = 503, description = "`try-again`, the account was changed at the same time"),
    ),
)]
pub async fn login(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Body(credentials): Body<Credentials>,
) -> Result<FirstAnswer, ApiError> {
    let Credentials { email, password, device_token, transport } = credentials;
    transport.require_listed_origin(&headers, &state.app.config.web)?;
    state.signer.check().await?;
    let origin = Origin::read(&headers, device_token);
    let device = Device::read(&state, email.as_ref(), &origin).await?;
    let verified = verify_password(&state, &request, &email, &password, device.as_ref()).await?;
    let signed_in = state.app.db.transaction(async |tx| {
        let user = verified.lock(tx).await?;
        first_step::complete(&state, tx, user, Factor::Password, transport, &request, &origin).await
    });
    // The password was right, whatever becomes of the transaction.
    let (signed_in, ()) = tokio::join!(signed_in, verified.attempt.succeed(&state));
    Ok(signed_in?.committed(&state).await)
}

/// An account whose password was verified.
pub struct VerifiedPassword {
    pub user: UserId,
    pub attempt: Attempt,
    expected_hash: String,
    /// A hash with the current parameters, if those of `expected_hash` are weaker.
    stronger_hash: Option<String>,
}

impl VerifiedPassword {
    /// Loads the user, and locks them until the transaction ends. Refuses if the password has changed since it was verified.
    pub async fn lock(&self, tx: &mut Tx) -> Result<User, ApiError> {
        let hash = &self.expected_hash;
        let user = match &self.stronger_hash {
            Some(stronger) => store::users::replace_password(tx, self.user, hash, stronger, false).await?,
            None => store::users::lock_password(tx, self.user, hash).await?,
        };
        user.ok_or_else(|| refusals::JUST_CHANGED.retry_after(Duration::from_secs(1)))
    }
}

/// Verifies e-mail and password. A failure is recorded in the audit log.
pub async fn verify_password(
    state: &AuthState,
    request: &RequestInfo,
    email: &Email,
    password: &Password,
    device: Option<&Device>,
) -> Result<VerifiedPassword, ApiError> {
    let guesser = device.map_or(Guesser::Source(request), Guesser::Device);
    let attempt = throttle::attempt(state, email.as_ref(), guesser).await?;
    let started = Instant::now();
    let db = &state.app.db;
    let find = db.read(async |tx| Ok(store::users::credentials_by_email(tx, email).await?));
    let found = match find.await {
        Ok(found) => found,
        Err(error) => {
            attempt.take_back(state).await;
            return Err(error);
        }
    };
    let (user, hash) = found.map_or((None, None), |found| (Some(found.id), found.password_hash));
    let verified = state.passwords.verify(password, hash.as_deref())?;
    if let (true, Some(user), Some(expected_hash)) = (verified.matches, user, hash) {
        let stronger_hash = if verified.outdated { Some(state.passwords.hash(password)?) } else { None };
        return Ok(VerifiedPassword { user, attempt, expected_hash, stronger_hash });
    }
    let event = Event::refused(Action::SessionCreated, user, request);
    let refuse = db.transaction(async |tx| {
        store::audit_events::insert(tx, &event).await?;
        Ok(store::users::has_imported_passwords(tx).await?)
    });
    if refuse.await? {
        sleep_until(started + UNIFORM_REFUSAL_TIME).await;
    }
    Err(refusals::WRONG_CREDENTIALS.into())
}
