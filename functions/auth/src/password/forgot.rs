//! `POST /v1/auth/forgot-password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        input::Email,
    },
    http::extract::Body,
    store::{
        self,
        verification_tokens::{NewToken, Purpose},
    },
};
use utoipa::ToSchema;

use crate::{AuthState, mails, throttle};

/// Whose password it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    email: Email,
}

/// Mail a link to a new password.
///
/// The answer is the same whether or not there is such an account.
#[utoipa::path(
    post, path = "/v1/auth/forgot-password", tag = "auth", operation_id = "forgot_password",
    request_body = Forgotten,
    responses((status = 202, description = "If there is such an account, a mail is on its way.")),
)]
pub async fn forgot_password(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(given): Body<Forgotten>,
) -> Result<StatusCode, ApiError> {
    let email = given.email.as_ref();
    throttle::request(&state, "reset", email, &request).await?;
    let may_mail = throttle::may_mail(&state, "reset", email).await?;
    let now = state.app.clock.now();
    let token = OneTimeToken::generate()?;
    mails::evenly(Box::pin(async {
        let user = state
            .app
            .db
            .transaction(async |tx| -> anyhow::Result<_> {
                let user = store::users::find_by_email(tx, &given.email).await?.filter(|_| may_mail);
                let mut event = Event::anonymous(Action::PasswordResetRequested, &request);
                if let Some(user) = &user {
                    event.target = Some(user.id.0);
                    let proof = NewToken {
                        purpose: Purpose::ResetPassword,
                        user: user.id,
                        email: &user.email,
                        token_hash: &token.hash(),
                        code_hash: None,
                        expires_at: now + mails::RESET_LIFETIME,
                    };
                    store::verification_tokens::insert(tx, &proof, now).await?;
                }
                store::audit_events::insert(tx, &event, now).await?;
                Ok(user)
            })
            .await?;
        if let Some(user) = user {
            mails::send_reset(&state, &user.email, &token).await;
        }
        Ok(StatusCode::ACCEPTED)
    }))
    .await
}
