//! `POST /v1/auth/undo-email-change`

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
    links,
    refusals::{self, invalid_token},
};

/// Take my account back after a change of its e-mail address.
///
/// Takes the token from the mail to the old address. Moves the account back to that address, removes the password, all identities and passkeys, ends all sessions, and
/// invalidates the links that were mailed since the change. Sign in through the mail, or choose a new password, afterwards.
#[utoipa::path(
    post, path = "/v1/auth/undo-email-change", tag = "auth", operation_id = "undo_email_change",
    request_body = Verification,
    responses(
        (status = 204, description = "The account has its old address, and no password."),
        (status = 409, description = "`email-taken`, another account has the address now"),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn undo_email_change(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(verification): Body<Verification>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &verification.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses up the token, and moves its owner's account back.
pub async fn redeem(state: &AuthState, request: &RequestInfo, token: &OneTimeToken) -> Result<(), ApiError> {
    let (purpose, hash) = (Purpose::UndoEmailChange, token.hash());
    let undone = state.app.db.transaction(async |tx| {
        let redeemed = links::redeem_or_audit(tx, purpose, &hash, request).await?;
        let Some((before, consumed)) = redeemed else { return Ok(None) };
        let user = store::users::change_email(tx, before.id, &consumed.email)
            .await
            .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
            .ok_or_else(invalid_token)?;
        store::users::remove_password(tx, user.id).await?;
        store::identities::remove_all(tx, user.id).await?;
        store::passkeys::remove_all(tx, user.id).await?;
        store::verification_tokens::withdraw(tx, user.id, Purpose::REQUESTED).await?;
        // The links to addresses that the account had before this one stay: the owner may need them, if a thief used this link.
        store::verification_tokens::withdraw_later_ways_back(tx, &consumed).await?;
        store::sessions::revoke_all(tx, user.id, None, "email_change_undone").await?;
        let event = Event::new(Action::EmailChangeUndone, user.id, request);
        store::audit_events::insert(tx, &event).await?;
        Ok(Some(()))
    });
    undone.await?.ok_or_else(invalid_token)
}
