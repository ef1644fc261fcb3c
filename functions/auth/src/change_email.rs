//! `POST /v1/auth/change-email`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::Caller,
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

use crate::{AuthState, change_password, mails, refusals, throttle};

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
        (status = 403, description = "`wrong-password`"),
    ),
)]
pub async fn change_email(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    Body(wish): Body<EmailChange>,
) -> Result<StatusCode, ApiError> {
    let seen = change_password::verify(&state, &caller, &wish.current_password, &request).await?;
    let email = wish.new_email.as_ref();
    let may_mail = throttle::may_mail(&state, "change", email).await?;
    let now = state.app.clock.now();
    let token = OneTimeToken::generate()?;
    mails::evenly(Box::pin(async {
        let wanted = state
            .app
            .db
            .transaction(async |tx| -> Result<_, ApiError> {
                // A password that was changed meanwhile has withdrawn every such wish, this one too.
                if store::users::hold_password(tx, caller.user, &seen).await?.is_none() {
                    return Err(refusals::WRONG_PASSWORD.into());
                }
                let wanted = may_mail && !store::users::is_taken(tx, &wish.new_email).await?;
                if wanted {
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
                Ok(wanted)
            })
            .await?;
        if wanted {
            mails::send_email_change(&state, email, &token).await;
        }
        Ok(StatusCode::ACCEPTED)
    }))
    .await
}
