//! `POST /v1/auth/request-verification`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::Caller,
    store::{self, verification_tokens::Purpose},
};

use crate::{
    AuthState,
    links::{self, Recipient},
    throttle,
};

/// Send me a new mail to verify my address.
///
/// Does nothing if the address is already verified.
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
) -> Result<StatusCode, ApiError> {
    let purpose = Purpose::VerifyEmail;
    throttle::request_of_user(&state, links::throttle_name(purpose), caller.user).await?;
    // From the cache: only a mail that is needed is counted.
    let profile = caller.profile().await?.filter(|profile| profile.email_verified_at.is_none());
    let Some(profile) = profile else { return Ok(StatusCode::ACCEPTED) };
    let may_mail = throttle::may_mail(&state, purpose, &profile.email).await?;
    links::mail(&state, &caller, purpose, async |tx| {
        let user = store::users::find(tx, caller.user).await?;
        let user = user.filter(|user| may_mail && user.email_verified_at.is_none());
        Ok(user.map(Recipient::from))
    })
    .await
}
