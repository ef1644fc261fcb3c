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
) -> Result<StatusCode, ApiError> {
    let (purpose, account) = (Purpose::VerifyEmail, caller.user.to_string());
    let name = links::throttle_name(purpose);
    let may_mail = throttle::request_mail(&state, name, &account, &caller.request).await?;
    links::mail(&state, &caller, purpose, async |tx| {
        let user = store::users::find(tx, caller.user).await?;
        let user = user.filter(|user| may_mail && user.email_verified_at.is_none());
        Ok(user.map(Recipient::from))
    })
    .await
}
