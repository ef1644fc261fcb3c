//! `POST /v1/auth/login`

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    db::Tx,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey},
    ids::UserId,
    page::Data,
    store::{self, users::User},
    text::{Email, Password},
};
use utoipa::ToSchema;

use crate::{
    AuthState, cookie,
    grant::{self, SignedIn, Transport},
    refusals,
    throttle::{self, Attempt},
};

/// Who they say they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    email: Email,
    password: Password,
    /// How the refresh token travels.
    #[serde(default)]
    transport: Transport,
}

/// Sign in with a password.
///
/// A wrong password, an unknown address, a suspended and a deleted account get the same answer after the same work.
#[utoipa::path(
    post, path = "/v1/auth/login", tag = "auth", operation_id = "login",
    request_body = Credentials, params(IdempotencyKey),
    responses(
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 401, description = "`wrong-credentials`"),
        (status = 403, description = "`foreign-origin`"),
        (status = 503, description = "`try-again`, the account has changed this moment"),
    ),
)]
pub async fn login(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Create { new: given, once }: Create<Credentials>,
) -> Result<Response, ApiError> {
    if given.transport == Transport::Cookie {
        cookie::require_listed_origin(&headers, &state.app.config.web)?;
    }
    let known = authenticate(&state, &request, &given.email, &given.password).await?;
    state.signer.check().await?;
    let now = state.app.clock.now();
    let (response, _) = once
        .run(&state.app, &format!("user:{}", known.user), async |tx| {
            let user = known.hold(tx, now).await?;
            Ok((grant::sign_in(&state, tx, user, given.transport, &request, now).await?, ()))
        })
        .await?;
    known.attempt.succeeded(&state).await;
    Ok(response)
}

/// Someone who knows the password of an account.
pub struct Known {
    /// Whose account.
    pub user: UserId,
    /// To be taken back when all went well.
    pub attempt: Attempt,
    seen: String,
    better: Option<String>,
}

impl Known {
    /// The user, if the password still is what it was a moment ago; nobody changes it before this transaction ends.
    pub async fn hold(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<User, ApiError> {
        let seen = match &self.better {
            Some(better)
                if store::users::replace_password(tx, self.user, &self.seen, better, now).await? =>
            {
                better
            }
            _ => &self.seen,
        };
        let user = store::users::hold_password(tx, self.user, seen).await?;
        user.ok_or_else(|| refusals::JUST_CHANGED.retry_after(Duration::from_secs(1)))
    }
}

/// Whose password it is; refuses, and notes it in the audit log, if it is nobody's.
pub async fn authenticate(
    state: &AuthState,
    request: &RequestInfo,
    email: &Email,
    password: &Password,
) -> Result<Known, ApiError> {
    let attempt = throttle::attempt(state, email.as_ref(), request).await?;
    let (db, now) = (&state.app.db, state.app.clock.now());
    let found =
        db.transaction(async |tx| anyhow::Ok(store::users::credentials_by_email(tx, email).await?)).await?;
    let (actor, stored) = found.map_or((None, None), |user| (Some(user.id), user.password_hash));
    let verified = state.passwords.verify(password, stored.as_deref())?;
    let better =
        if verified.matches && verified.outdated { Some(state.passwords.hash(password)?) } else { None };
    if let (true, Some(user), Some(seen)) = (verified.matches, actor, stored) {
        return Ok(Known { user, attempt, seen, better });
    }
    let event = Event { denied: true, actor, ..Event::anonymous(Action::SessionCreated, request) };
    db.transaction(async |tx| anyhow::Ok(store::audit_events::insert(tx, &event, now).await?)).await?;
    Err(refusals::WRONG_CREDENTIALS.into())
}
