//! `POST /v1/auth/change-email`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::Caller,
    error::Problem,
    extract::Body,
    http::RequestInfo,
    one_time::OneTimeToken,
    store::{
        self,
        verification_tokens::{NewToken, Purpose},
    },
    text::{Email, Password},
};
use utoipa::ToSchema;

use crate::{AuthState, change_password, mails, throttle};

/// Where to, and proof that it is really me.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EmailChange {
    new_email: Email,
    current_password: Password,
}

/// Move my account to another address.
///
/// Mails a link to the new address; nothing changes before it is used. The answer is the same when the address has an account already,
/// and then nothing is mailed.
#[utoipa::path(
    post, path = "/v1/auth/change-email", tag = "auth", operation_id = "change_email",
    request_body = EmailChange, security(("bearer" = [])),
    responses(
        (status = 202, description = "If the address is free, a mail is on its way to it."),
        (status = 403, description = "`wrong-password`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn change_email(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    Body(change): Body<EmailChange>,
) -> Result<StatusCode, ApiError> {
    change_password::verify(&state, &caller, &change.current_password, &request).await?;
    let email = change.new_email.as_ref();
    let may_mail = throttle::may_mail(&state, "change", email).await?;
    let now = state.app.clock.now();
    let token = OneTimeToken::generate()?;
    let free = state
        .app
        .db
        .transaction(async |tx| -> anyhow::Result<_> {
            let in_use = store::users::is_taken(tx, &change.new_email).await?;
            if !in_use {
                let proof = NewToken {
                    purpose: Purpose::ChangeEmail,
                    user: caller.user,
                    email,
                    token_hash: &token.hash(),
                    code_hash: None,
                    expires_at: now + mails::VERIFICATION_LIFETIME,
                };
                store::verification_tokens::insert(tx, &proof, now).await?;
            }
            let event = Event::new(Action::EmailChangeRequested, caller.user, &request);
            store::audit_events::insert(tx, &event.through(caller.session), now).await?;
            Ok(!in_use)
        })
        .await?;
    mails::evenly(async {
        if free && may_mail {
            mails::send_email_change(&state, email, &token).await;
        }
    })
    .await;
    Ok(StatusCode::ACCEPTED)
}
