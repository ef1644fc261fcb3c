//! `POST /v1/auth/change-password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    db::Tx,
    domain::{
        audit::Action,
        password::{NewPassword, Password},
    },
    http::extract::Body,
    store::{self, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use super::reauthenticate::verify_password;
use crate::{AuthState, mails, refusals};

/// The current password and the new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PasswordChange {
    current_password: Password,
    new_password: NewPassword,
}

/// Change my password.
///
/// Ends all other sessions.
#[utoipa::path(
    post, path = "/v1/auth/change-password", tag = "auth", operation_id = "change_password",
    request_body = PasswordChange, security(("bearer" = [])),
    responses(
        (status = 204, description = "The password is changed; all other sessions have ended."),
        (status = 403, description = "`wrong-password` or `second-factor-needed`"),
        (status = 422, description = "`password-like-account`"),
    ),
)]
pub async fn change_password(
    State(state): State<AuthState>,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    let expected_hash = verify_password(&state, &caller, &change.current_password).await?;
    let new_hash = state.passwords.hash(change.new_password.as_ref())?;
    let user = caller.transaction(async |tx| {
        let user = store::users::replace_password(tx, caller.user, &expected_hash, &new_hash, true).await?;
        // Without a user, another request changed the password after this one had verified it.
        let user = user.ok_or(refusals::WRONG_PASSWORD)?;
        if change.new_password.is_like(&user.name, &user.email) {
            return Err(refusals::PASSWORD_LIKE_ACCOUNT.at("/newPassword"));
        }
        end_other_access(tx, &caller).await?;
        Ok(user)
    });
    mails::send_password_changed(&state, &user.await?.mailbox()).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the caller's other sessions, and withdraws all mailed links.
async fn end_other_access(tx: &mut Tx, caller: &Caller) -> Result<(), ApiError> {
    store::sessions::revoke_all(tx, caller.user, Some(caller.session), "password_changed").await?;
    store::verification_tokens::withdraw(tx, caller.user, Purpose::REQUESTED).await?;
    caller.audit(tx, Action::PasswordChanged, caller.user).await
}
