//! `POST /v1/auth/change-email`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Caller,
    db::Tx,
    domain::{audit::Action, input::Email, password::Password},
    http::extract::Body,
    store::{self, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use crate::{
    AuthState,
    links::{self, Recipient},
    password::reauthenticate::verify_password,
    refusals, throttle,
};

/// The new address, and proof that the caller owns the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EmailChange {
    new_email: Email,
    current_password: Password,
}

/// Change my e-mail address.
///
/// Mails a link to the new address. Nothing changes before the link is used. If another account has the address, the response is the
/// same, but no mail is sent.
#[utoipa::path(
    post, path = "/v1/auth/change-email", tag = "auth", operation_id = "change_email",
    request_body = EmailChange, security(("bearer" = [])),
    responses(
        (status = 202, description = "If the address is free, a mail is on its way to it."),
        (status = 403, description = "`wrong-password`"),
    ),
)]
pub async fn change_email(
    State(state): State<AuthState>,
    caller: Caller,
    Body(change): Body<EmailChange>,
) -> Result<StatusCode, ApiError> {
    let purpose = Purpose::ChangeEmail;
    let expected_hash = verify_password(&state, &caller, &change.current_password).await?;
    let name = links::throttle_name(purpose);
    let may_mail = throttle::may_mail(&state, name, change.new_email.as_ref()).await?;
    let mailed = links::mail(&state, &caller, purpose, async |tx| {
        let recipient = find_recipient(tx, &caller, &expected_hash, &change.new_email).await?;
        caller.audit(tx, Action::EmailChangeRequested, caller.user).await?;
        Ok(recipient.filter(|_| may_mail))
    });
    links::equalize_time(Box::pin(mailed)).await
}

/// Returns the caller as recipient at the new address; `None` if another account has the address.
///
/// Refuses if the password has changed since it was verified: a changed password withdraws all requested changes of the address.
async fn find_recipient(
    tx: &mut Tx,
    caller: &Caller,
    expected_hash: &str,
    email: &Email,
) -> Result<Option<Recipient>, ApiError> {
    let user = store::users::lock_password(tx, caller.user, expected_hash).await?;
    let user = user.ok_or(refusals::WRONG_PASSWORD)?;
    if store::users::is_taken(tx, email, user.id).await? {
        return Ok(None);
    }
    Ok(Some(Recipient { user: user.id, email: email.as_ref().to_owned() }))
}
