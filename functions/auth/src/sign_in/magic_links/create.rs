//! `POST /v1/auth/magic-links`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError,
    crypto::one_time_token::{OneTimeToken, six_digits},
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

use super::code_hash;
use crate::{AuthState, mails, throttle};

/// Who wants to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MagicLinkRequest {
    email: Email,
}

/// Mail a link and a code that sign in.
///
/// The answer is the same whether or not there is such an account.
#[utoipa::path(
    post, path = "/v1/auth/magic-links", tag = "auth", operation_id = "create_magic_link",
    request_body = MagicLinkRequest,
    responses((status = 202, description = "If there is such an account, a mail is on its way.")),
)]
pub async fn create(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(given): Body<MagicLinkRequest>,
) -> Result<StatusCode, ApiError> {
    let email = given.email.as_ref();
    throttle::request(&state, "magic-link", email, &request).await?;
    let may_mail = throttle::may_mail(&state, "magic-link", email).await?;
    let now = state.app.clock.now();
    let (token, code) = (OneTimeToken::generate()?, six_digits()?);
    mails::evenly(Box::pin(async {
        let user = state
            .app
            .db
            .transaction(async |tx| -> anyhow::Result<_> {
                let user = store::users::find_by_email(tx, &given.email).await?.filter(|_| may_mail);
                let mut event = Event::anonymous(Action::MagicLinkRequested, &request);
                if let Some(user) = &user {
                    event.target = Some(user.id.0);
                    // One code at a time: guesses are not to be shared among many.
                    store::verification_tokens::forget_codes(tx, user.id).await?;
                    let proof = NewToken {
                        purpose: Purpose::MagicLink,
                        user: user.id,
                        email: &user.email,
                        token_hash: &token.hash(),
                        code_hash: Some(&code_hash(&state, user.id, &code).await?),
                        expires_at: now + mails::MAGIC_LINK_LIFETIME,
                    };
                    store::verification_tokens::insert(tx, &proof, now).await?;
                }
                store::audit_events::insert(tx, &event, now).await?;
                Ok(user)
            })
            .await?;
        if let Some(user) = user {
            mails::send_magic_link(&state, &user.email, &token, code).await;
        }
        Ok(StatusCode::ACCEPTED)
    }))
    .await
}
