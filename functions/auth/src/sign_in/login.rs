//! `POST /v1/auth/login`

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Guest,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
        input::Email,
        page::Data,
        password::Password,
    },
    http::idempotency::{Create, IdempotencyKey},
    store::{self, users::User},
};
use utoipa::ToSchema;

use super::session_tokens::{self, SignedIn, Transport};
use crate::{
    AuthState, refusals,
    throttle::{self, Attempt},
};

/// The address and the password of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: Email,
    password: Password,
    /// The place of the refresh token.
    #[serde(default)]
    transport: Transport,
}

/// Sign in with a password.
///
/// A wrong password, an unknown address, and a suspended or deleted account get the same response in the same time.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "auth", operation_id = "login",
    request_body = Credentials, params(IdempotencyKey),
    responses(
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
    Create { new: credentials, idempotent }: Create<Credentials>,
) -> Result<Response, ApiError> {
    let Credentials { email, password, transport } = credentials;
    transport.require_listed_origin(&headers, &state.app.config.web)?;
    let verified = verify_password(&state, &request, &email, &password).await?;
    state.signer.check().await?;
    let guest = Guest { db: &state.app.db, name: format!("user:{}", verified.user) };
    let sign_in = idempotent.run(&guest, &state.app.sealer, async |tx| {
        let user = verified.lock(tx).await?;
        Ok((session_tokens::sign_in(&state, tx, user, transport, &request).await?, ()))
    });
    let (response, _) = sign_in.await?;
    verified.attempt.succeed(&state).await;
    Ok(response)
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
        let mut hash = &self.expected_hash;
        if let Some(stronger) = &self.stronger_hash
            && store::users::replace_password(tx, self.user, hash, stronger).await?
        {
            hash = stronger;
        }
        let user = store::users::lock_password(tx, self.user, hash).await?;
        user.ok_or_else(|| refusals::JUST_CHANGED.retry_after(Duration::from_secs(1)))
    }
}

/// Verifies e-mail and password. A failure is recorded in the audit log.
pub async fn verify_password(
    state: &AuthState,
    request: &RequestInfo,
    email: &Email,
    password: &Password,
) -> Result<VerifiedPassword, ApiError> {
    let attempt = throttle::attempt(state, email.as_ref(), request).await?;
    let db = &state.app.db;
    let find = db.transaction(async |tx| Ok(store::users::credentials_by_email(tx, email).await?));
    let (user, hash) = find.await?.map_or((None, None), |found| (Some(found.id), found.password_hash));
    let verified = state.passwords.verify(password, hash.as_deref())?;
    if let (true, Some(user), Some(expected_hash)) = (verified.matches, user, hash) {
        let stronger_hash = if verified.outdated { Some(state.passwords.hash(password)?) } else { None };
        return Ok(VerifiedPassword { user, attempt, expected_hash, stronger_hash });
    }
    let event = Event::refused(Action::SessionCreated, user, request);
    db.transaction(async |tx| Ok(store::audit_events::insert(tx, &event).await?)).await?;
    Err(refusals::WRONG_CREDENTIALS.into())
}
