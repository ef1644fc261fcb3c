//! `POST /v1/auth/request-verification`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    auth::Caller,
    domain::mail_delivery::StopReason,
    store::{self, verification_tokens::Purpose},
};

use crate::{
    AuthState,
    links::{self, Recipient},
    throttle,
};

/// Send me a new mail to verify my address.
///
/// Does nothing if the address is already verified, unless mail to it has stopped after a bounce: then the link shows that the address works
/// again, and mail is sent again. See `emailDelivery` of `/v1/auth/me`.
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
    let profile = caller.profile().await?;
    let profile = profile.filter(|p| is_needed(p.email_verified_at.is_some(), p.mail_stopped));
    let Some(profile) = profile else { return Ok(StatusCode::ACCEPTED) };
    let may_mail = throttle::may_mail(&state, purpose, &profile.email).await?;
    links::mail(&state, &caller, purpose, async |tx| {
        let user = store::users::find(tx, caller.user).await?;
        let user = user
            .filter(|user| may_mail && is_needed(user.email_verified_at.is_some(), user.mail_stopped))
            .map(Recipient::from);
        Ok(user.map(|user| Recipient { mailbox: user.mailbox.despite_bounce(), ..user }))
    })
    .await
}

/// Checks whether the address needs a mail: it is not verified, or it was and mail has stopped after a bounce.
///
/// Not if an address bounced that nobody ever verified: then anyone could make the service mail addresses that do not exist. And not
/// after a complaint: the reader of the mail may be another person than the sender of the request.
fn is_needed(verified: bool, stopped: Option<StopReason>) -> bool {
    match stopped {
        None => !verified,
        Some(StopReason::Bounce) => verified,
        Some(StopReason::Complaint) => false,
    }
}
