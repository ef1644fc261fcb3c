//! `POST /v1/auth/change-email`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    db::Tx,
    domain::{audit::Action, input::Email, mail_delivery::Mailbox, password::Password},
    http::extract::Body,
    store::{
        self,
        users::{NewAddress, User},
        verification_tokens::Purpose,
    },
};
use utoipa::ToSchema;

use crate::{
    AuthState,
    links::{self, Link},
    mails,
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
/// Mails a link to the new address, and a notice to the current one. Nothing changes before the link is used. If another account has the
/// address, the response is the same, but no link is sent.
#[utoipa::path(
    post, path = "/v1/auth/change-email", tag = "auth", operation_id = "change_email",
    request_body = EmailChange, security(("bearer" = [])),
    responses(
        (status = 202, description = "If the address is free, a mail is on its way to it. The current address gets a notice."),
        (status = 403, description = "`wrong-password` or `second-factor-needed`"),
    ),
)]
pub async fn change_email(
    State(state): State<AuthState>,
    caller: Caller,
    Body(change): Body<EmailChange>,
) -> Result<StatusCode, ApiError> {
    let purpose = Purpose::ChangeEmail;
    let expected_hash = verify_password(&state, &caller, &change.current_password).await?;
    throttle::request_of_user(&state, links::throttle_name(purpose), caller.user).await?;
    let may_mail = throttle::may_mail(&state, purpose, change.new_email.as_ref()).await?;
    let mailed = async {
        let link = Link::generate(purpose)?;
        let new = change.new_email.as_ref();
        let request = caller.transaction(async |tx| {
            let (user, address) = find(tx, &caller, &expected_hash, &change.new_email).await?;
            caller.audit(tx, Action::EmailChangeRequested, caller.user).await?;
            let send_link = !address.taken && may_mail;
            if send_link {
                link.insert(&state, tx, user.id, new).await?;
            }
            let to = Mailbox { address: new.to_owned(), stopped: address.stopped };
            Ok((user.mailbox(), send_link.then_some(to)))
        });
        let (current, new) = request.await?;
        let send = async {
            if let Some(new) = new {
                link.send(&state, &new).await;
            }
        };
        tokio::join!(mails::send_email_change_requested(&state, &current), send);
        Ok(StatusCode::ACCEPTED)
    };
    links::equalize_time(Box::pin(mailed)).await
}

/// Returns the caller's account, and what the change depends on.
///
/// Refuses if the password has changed since it was verified: a changed password withdraws all requested changes of the address.
async fn find(
    tx: &mut Tx,
    caller: &Caller,
    expected_hash: &str,
    email: &Email,
) -> Result<(User, NewAddress), ApiError> {
    let user = store::users::lock_password(tx, caller.user, expected_hash).await?;
    let user = user.ok_or(refusals::WRONG_PASSWORD)?;
    let address = store::users::check_address(tx, email, user.id).await?;
    Ok((user, address))
}
