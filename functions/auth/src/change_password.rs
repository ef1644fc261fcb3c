//! `POST /v1/auth/change-password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::{Caller, session},
    extract::Body,
    http::RequestInfo,
    store::{self, verification_tokens::Purpose},
    text::{NewPassword, Password},
};
use utoipa::ToSchema;

use crate::{AuthState, mails, refusals, throttle};

/// The old password and the new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PasswordChange {
    current_password: Password,
    new_password: NewPassword,
}

/// Choose a new password.
///
/// Ends all other sessions.
#[utoipa::path(
    post, path = "/v1/auth/change-password", tag = "auth", operation_id = "change_password",
    request_body = PasswordChange, security(("bearer" = [])),
    responses(
        (status = 204, description = "The new password holds; all other sessions have ended."),
        (status = 403, description = "`wrong-password`"),
    ),
)]
pub async fn change_password(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let seen = verify(&state, &caller, &change.current_password, &request).await?;
    let now = state.app.clock.now();
    let new = state.passwords.hash(change.new_password.as_ref())?;
    let (ended, email) = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            if !store::users::replace_password(tx, caller.user, &seen, &new, now).await? {
                // Someone else changed it since we looked.
                return Err(refusals::WRONG_PASSWORD.into());
            }
            let keep = Some(caller.session);
            let ended = store::sessions::revoke_all(tx, caller.user, keep, "password_changed", now).await?;
            store::verification_tokens::withdraw(tx, caller.user, Purpose::ALL, now).await?;
            let event = Event::new(Action::PasswordChanged, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event, now).await?;
            let user = store::users::find(tx, caller.user).await?;
            Ok((ended, user.map(|user| user.email)))
        })
        .await?;
    session::forget(&state.app, &ended).await;
    if let Some(email) = email {
        mails::send_password_changed(&state, &email).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The stored hash, if `password` is the caller's; guesses are counted as they are at the login.
pub async fn verify(
    state: &AuthState,
    caller: &Caller,
    password: &Password,
    request: &RequestInfo,
) -> Result<String, ApiError> {
    let attempt = throttle::attempt(state, &caller.user.to_string(), request).await?;
    let stored = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::users::password_hash(tx, caller.user).await?))
        .await?;
    let verified = state.passwords.verify(password, stored.as_deref())?;
    match stored {
        Some(stored) if verified.matches => {
            attempt.succeeded(state).await;
            Ok(stored)
        }
        _ => Err(refusals::WRONG_PASSWORD.into()),
    }
}
