//! `POST /v1/auth/confirm-email`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, OnConstraint,
    audit::{Action, Event},
    extract::Body,
    http::RequestInfo,
    one_time::OneTimeToken,
    store::{self, verification_tokens::Purpose},
};

use crate::{AuthState, mails, refusals, verify_email::Verification};

/// Move an account to the address to which the token was mailed.
///
/// Tells the old address.
#[utoipa::path(
    post, path = "/v1/auth/confirm-email", tag = "auth", operation_id = "confirm_email",
    request_body = Verification,
    responses(
        (status = 204, description = "The account has the new address."),
        (status = 422, description = "`invalid-token`"),
        (status = 409, description = "`email-taken`"),
    ),
)]
pub async fn confirm_email(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(given): Body<Verification>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &given.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses the token up, and moves its owner's account.
pub async fn redeem(state: &AuthState, request: &RequestInfo, token: &OneTimeToken) -> Result<(), ApiError> {
    let now = state.app.clock.now();
    let old = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let invalid = || refusals::INVALID_TOKEN.at("/token");
            let hash = token.hash();
            let id = store::verification_tokens::owner(tx, Purpose::ChangeEmail, &hash, now).await?;
            let id = id.ok_or_else(invalid)?;
            let old = store::users::hold(tx, id).await?;
            let proof = store::verification_tokens::consume(tx, Purpose::ChangeEmail, &hash, now).await?;
            let email = &proof.ok_or_else(invalid)?.email;
            let moved = store::users::change_email(tx, id, email, now)
                .await
                .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?;
            let (Some(old), Some(_)) = (old, moved) else {
                return Err(invalid());
            };
            // What was mailed to the old address is worth nothing any more.
            store::verification_tokens::withdraw(tx, id, Purpose::ALL, now).await?;
            store::audit_events::insert(tx, &Event::new(Action::EmailChanged, id, request), now).await?;
            Ok(old.email)
        })
        .await?;
    mails::send_email_changed(state, &old).await;
    Ok(())
}
