//! `POST /v1/auth/confirm-email`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, OnConstraint,
    crypto::one_time_token::OneTimeToken,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
    },
    http::extract::Body,
    store::{self, verification_tokens::Purpose},
};

use crate::{
    AuthState,
    email::verify::Verification,
    links, mails,
    refusals::{self, invalid_token},
};

/// Confirm a new e-mail address with the mailed token.
///
/// Notifies the old address.
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
    Body(verification): Body<Verification>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &verification.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses up the token, and moves its owner's account to the new address.
pub async fn redeem(state: &AuthState, request: &RequestInfo, token: &OneTimeToken) -> Result<(), ApiError> {
    let (purpose, hash) = (Purpose::ChangeEmail, token.hash());
    let moved = state.app.db.transaction(async |tx| {
        let Some((old, consumed)) = links::redeem(tx, purpose, &hash).await? else {
            links::audit_refused(tx, purpose, &hash, request).await?;
            return Ok(None);
        };
        let user = store::users::change_email(tx, old.id, &consumed.email)
            .await
            .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
            .ok_or_else(invalid_token)?;
        // Tokens that were mailed to the old address must not work any more.
        store::verification_tokens::withdraw(tx, user.id, Purpose::ALL).await?;
        store::audit_events::insert(tx, &Event::new(Action::EmailChanged, user.id, request)).await?;
        Ok(Some(old.email))
    });
    let old = moved.await?.ok_or_else(invalid_token)?;
    mails::send_email_changed(state, &old).await;
    Ok(())
}
