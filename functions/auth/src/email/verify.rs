//! `POST /v1/auth/verify-email`

use serde::Deserialize;
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    db::Db,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        page::Data,
    },
    http::extract::Body,
    store::{self, users::User, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use crate::{
    links,
    me::{Profile, ProfileResponse, respond},
    refusals::invalid_token,
};

/// The token from the mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    pub(crate) token: OneTimeToken,
}

/// Verify an address with the mailed token.
#[utoipa::path(
    post, path = "/v1/auth/verify-email", tag = "auth", operation_id = "verify_email",
    request_body = Verification,
    responses(
        (status = 200, description = "The address is verified.", body = Data<Profile>),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn verify_email(
    db: Db,
    request: RequestInfo,
    Body(verification): Body<Verification>,
) -> Result<ProfileResponse, ApiError> {
    let user = redeem(&db, &request, &verification.token).await?;
    Ok(respond(&user.into()))
}

/// Uses up the token, and marks its owner's address as verified.
pub async fn redeem(db: &Db, request: &RequestInfo, token: &OneTimeToken) -> Result<User, ApiError> {
    let (purpose, hash) = (Purpose::VerifyEmail, token.hash());
    let verified = db.transaction(async |tx| {
        let Some(consumed) = store::verification_tokens::consume(tx, purpose, &hash).await? else {
            links::audit_refused(tx, purpose, &hash, request).await?;
            return Ok(None);
        };
        let user = store::users::verify_email(tx, consumed.user_id, &consumed.email).await?;
        let user = user.ok_or_else(invalid_token)?;
        store::audit_events::insert(tx, &Event::new(Action::EmailVerified, user.id, request)).await?;
        Ok(Some(user))
    });
    verified.await?.ok_or_else(invalid_token)
}
