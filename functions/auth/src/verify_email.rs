//! `POST /v1/auth/verify-email`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    etag::ETag,
    extract::Body,
    http::RequestInfo,
    one_time::OneTimeToken,
    page::Data,
    store::{self, users::User, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use crate::{AuthState, me::Profile, refusals};

/// The token from the mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub(crate) token: OneTimeToken,
}

/// Prove an address with the token that was mailed to it.
#[utoipa::path(
    post, path = "/v1/auth/verify-email", tag = "auth", operation_id = "verify_email",
    request_body = Verification,
    responses(
        (status = 200, description = "The address is proved.", body = Data<Profile>),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn verify_email(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(given): Body<Verification>,
) -> Result<(ETag, Json<Data<Profile>>), ApiError> {
    let user = redeem(&state, &request, &given.token).await?;
    Ok((ETag(user.version), Json(Data { data: user.into() })))
}

/// Uses the token up, and marks its owner's address as proved.
pub async fn redeem(
    state: &AuthState,
    request: &RequestInfo,
    token: &OneTimeToken,
) -> Result<User, ApiError> {
    let now = state.app.clock.now();
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let proof =
                store::verification_tokens::consume(tx, Purpose::VerifyEmail, &token.hash(), now).await?;
            let proof = proof.ok_or_else(|| refusals::INVALID_TOKEN.at("/token"))?;
            let user = store::users::verify_email(tx, proof.user_id, &proof.email, now).await?;
            let user = user.ok_or_else(|| refusals::INVALID_TOKEN.at("/token"))?;
            store::audit_events::insert(tx, &Event::new(Action::EmailVerified, user.id, request), now)
                .await?;
            Ok(user)
        })
        .await
}
