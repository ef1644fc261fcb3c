//! `POST /v1/auth/reset-password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::session,
    extract::Body,
    http::RequestInfo,
    one_time::OneTimeToken,
    store::{self, verification_tokens::Purpose},
    text::NewPassword,
};
use utoipa::ToSchema;

use crate::{AuthState, mails, refusals};

/// The token from the mail, and the new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PasswordReset {
    token: OneTimeToken,
    new_password: NewPassword,
}

/// Choose a new password with the token that was mailed.
///
/// Ends all sessions, and proves the address.
#[utoipa::path(
    post, path = "/v1/auth/reset-password", tag = "auth", operation_id = "reset_password",
    request_body = PasswordReset,
    responses(
        (status = 204, description = "The new password holds; all sessions have ended."),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn reset_password(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(given): Body<PasswordReset>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &given.token, &given.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses the token up, and gives its owner the new password.
pub async fn redeem(
    state: &AuthState,
    request: &RequestInfo,
    token: &OneTimeToken,
    new: &NewPassword,
) -> Result<(), ApiError> {
    let (now, db, token) = (state.app.clock.now(), &state.app.db, token.hash());
    // A look first: hashing costs more than anyone without a token should be able to make us pay.
    let owner = db
        .transaction(async |tx| {
            anyhow::Ok(store::verification_tokens::owner(tx, Purpose::ResetPassword, &token, now).await?)
        })
        .await?;
    let owner = owner.ok_or_else(|| refusals::INVALID_TOKEN.at("/token"))?;
    let hash = state.passwords.hash(new.as_ref())?;
    let (email, ended) = db
        .transaction(async |tx| -> Result<_, ApiError> {
            store::users::hold(tx, owner).await?;
            let proof = store::verification_tokens::consume(tx, Purpose::ResetPassword, &token, now).await?;
            let proof = proof.ok_or_else(|| refusals::INVALID_TOKEN.at("/token"))?;
            // Who reads the mail has proved the address.
            let user = store::users::verify_email(tx, proof.user_id, &proof.email, now).await?;
            let id = user.ok_or_else(|| refusals::INVALID_TOKEN.at("/token"))?.id;
            store::users::set_password(tx, id, Some(&hash), now).await?;
            // Whoever may have been in the account before must not get back in by a mail to another address.
            store::verification_tokens::withdraw(tx, id, Purpose::ALL, now).await?;
            let ended = store::sessions::revoke_all(tx, id, None, "password_reset", now).await?;
            store::audit_events::insert(tx, &Event::new(Action::PasswordReset, id, request), now).await?;
            Ok((proof.email, ended))
        })
        .await?;
    session::forget(&state.app, &ended).await;
    mails::send_password_changed(state, &email).await;
    Ok(())
}
