//! `POST /v1/auth/request-verification`

use axum::{extract::State, http::StatusCode};
use shared::{ApiError, auth::Caller, error::Problem, http::RequestInfo, store, text::Email};

use crate::{AuthState, mails, throttle};

/// Mail me a new link that proves my address.
///
/// Does nothing if the address is proved already.
#[utoipa::path(
    post, path = "/v1/auth/request-verification", tag = "auth", operation_id = "request_verification",
    security(("bearer" = [])),
    responses(
        (status = 202, description = "A mail is on its way, if one is needed."),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn request_verification(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
) -> Result<StatusCode, ApiError> {
    // Not a guess, but as costly: each one is a mail.
    throttle::attempt(&state, &format!("verification:{}", caller.user), &request).await?;
    let now = state.app.clock.now();
    let (token, hash) = mails::one_time_secret()?;
    let user = state
        .app
        .db
        .transaction(async |tx| -> anyhow::Result<_> {
            let user =
                store::users::find(tx, caller.user).await?.filter(|user| user.email_verified_at.is_none());
            if let Some(user) = &user {
                let expires = now + mails::VERIFICATION_LIFETIME;
                store::verification_tokens::insert(tx, user.id, &user.email, &hash, expires, now).await?;
            }
            Ok(user)
        })
        .await?;
    if let Some(user) = user {
        let email =
            Email::try_from(user.email).map_err(|problem| anyhow::anyhow!("stored address: {problem}"))?;
        mails::send_verification(&state, &email, &user.name, &token).await;
    }
    Ok(StatusCode::ACCEPTED)
}
