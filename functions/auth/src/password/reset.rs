//! `POST /v1/auth/reset-password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        password::NewPassword,
    },
    http::extract::Body,
    store::{
        self,
        verification_tokens::{Consumed, Purpose},
    },
};
use utoipa::ToSchema;

use crate::{
    AuthState, links, mails,
    refusals::{PASSWORD_LIKE_ACCOUNT, invalid_token},
};

/// The token from the mail, and the new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PasswordReset {
    token: OneTimeToken,
    new_password: NewPassword,
}

/// Set a new password with the mailed token.
///
/// Ends all sessions, and marks the address as verified.
#[utoipa::path(
    post, path = "/v1/auth/reset-password", tag = "auth", operation_id = "reset_password",
    request_body = PasswordReset,
    responses(
        (status = 204, description = "The password is changed; all sessions have ended."),
        (status = 422, description = "`invalid-token` or `password-like-account`"),
    ),
)]
pub async fn reset_password(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(reset): Body<PasswordReset>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &reset.token, &reset.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses up the token, and gives its owner the new password.
pub async fn redeem(
    state: &AuthState,
    request: &RequestInfo,
    token: &OneTimeToken,
    new: &NewPassword,
) -> Result<(), ApiError> {
    let (db, purpose, token) = (&state.app.db, Purpose::ResetPassword, token.hash());
    // Before hashing the password, which is too costly for requests without a valid token.
    let owner = db.transaction(async |tx| {
        let owner = store::users::find_by_token(tx, purpose, &token).await?;
        if owner.is_none() {
            links::audit_refused(tx, purpose, &token, request).await?;
        }
        Ok(owner.filter(|owner| owner.deleted_at.is_none()))
    });
    let owner = owner.await?.ok_or_else(invalid_token)?;
    if new.is_like(&owner.name, &owner.email) {
        return Err(PASSWORD_LIKE_ACCOUNT.at("/newPassword"));
    }
    let hash = state.passwords.hash(new.as_ref())?;
    let mailbox = db.transaction(async |tx| {
        // Also the other links: a person who had access to the account must not get it back through a mail to another address.
        let redeemed = links::redeem_and_withdraw(tx, owner.id, purpose, &token).await?;
        let (user, consumed) = redeemed.ok_or_else(invalid_token)?;
        set_password(tx, &consumed, &hash, request).await?;
        Ok(user.mailbox())
    });
    mails::send_password_changed(state, &mailbox.await?).await;
    Ok(())
}

/// Sets the password and ends all sessions. Marks the address as verified, because its owner has read the mail.
async fn set_password(
    tx: &mut Tx,
    consumed: &Consumed,
    hash: &str,
    request: &RequestInfo,
) -> Result<(), ApiError> {
    let id = consumed.user_id;
    if !store::users::reset_password(tx, id, &consumed.email, hash).await? {
        return Err(invalid_token());
    }
    store::sessions::revoke_all(tx, id, None, "password_reset").await?;
    // Earlier sign-ins give no access any more. Those that were mailed to another address stay: a thief may have moved the account.
    store::verification_tokens::withdraw_rejections(tx, id, &consumed.email).await?;
    Ok(store::audit_events::insert(tx, &Event::new(Action::PasswordReset, id, request)).await?)
}
