//! `POST /v1/auth/request-verification`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::Caller,
    crypto::one_time_token::OneTimeToken,
    domain::actor::RequestInfo,
    store::{
        self,
        verification_tokens::{NewToken, Purpose},
    },
};

use crate::{AuthState, mails, throttle};

/// Mail me a new link that proves my address.
///
/// Does nothing if the address is proved already.
#[utoipa::path(
    post, path = "/v1/auth/request-verification", tag = "auth", operation_id = "request_verification",
    security(("bearer" = [])),
    responses(
        (status = 202, description = "A mail is on its way, if one is needed."),
    ),
)]
pub async fn request_verification(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
) -> Result<StatusCode, ApiError> {
    // Not a guess, but as costly: each one is a mail.
    throttle::request(&state, "verification", &caller.user.to_string(), &request).await?;
    let now = state.app.clock.now();
    let token = OneTimeToken::generate()?;
    let may_mail = throttle::may_mail(&state, "verification", &caller.user.to_string()).await?;
    let user = state
        .app
        .db
        .transaction(async |tx| -> anyhow::Result<_> {
            let user = store::users::find(tx, caller.user)
                .await?
                .filter(|user| may_mail && user.email_verified_at.is_none());
            if let Some(user) = &user {
                let proof = NewToken {
                    purpose: Purpose::VerifyEmail,
                    user: user.id,
                    email: &user.email,
                    token_hash: &token.hash(),
                    code_hash: None,
                    expires_at: now + mails::VERIFICATION_LIFETIME,
                };
                store::verification_tokens::insert(tx, &proof, now).await?;
            }
            Ok(user)
        })
        .await?;
    if let Some(user) = user {
        mails::send_verification(&state, &user.email, &user.name, &token).await;
    }
    Ok(StatusCode::ACCEPTED)
}
