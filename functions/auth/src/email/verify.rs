//! `POST /v1/auth/verify-email`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller, Guest},
    crypto::one_time_token::OneTimeToken,
    db::{Db, Tx},
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::UserId,
        mail_delivery::StopReason,
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
///
/// If mail to the address had stopped after a bounce, mail is sent again. Sent with an access token of the same account, it also shows that the account's password and identities belong to the
/// reader of the mail. Otherwise the first sign-in by mail removes them.
#[utoipa::path(
    post, path = "/v1/auth/verify-email", tag = "auth", operation_id = "verify_email",
    request_body = Verification, security((), ("bearer" = [])),
    responses(
        (status = 200, description = "The address is verified.", body = Data<Profile>),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn verify_email(
    db: Db,
    caller: Option<Caller>,
    request: RequestInfo,
    Body(verification): Body<Verification>,
) -> Result<ProfileResponse, ApiError> {
    let token = &verification.token;
    let user = match caller {
        Some(caller) => redeem(&caller, Some(caller.user), &request, token).await,
        None => redeem(&Guest { db: &db, name: String::new() }, None, &request, token).await,
    };
    Ok(respond(&user?.into()))
}

/// Uses up the token, and marks its owner's address as verified. `signed_in` is the user who sends it.
pub async fn redeem(
    actor: &impl Actor,
    signed_in: Option<UserId>,
    request: &RequestInfo,
    token: &OneTimeToken,
) -> Result<User, ApiError> {
    let (purpose, hash) = (Purpose::VerifyEmail, token.hash());
    let verified = actor.transaction(async |tx| {
        let redeemed = links::redeem_or_audit(tx, purpose, &hash, request).await?;
        let Some((owner, consumed)) = redeemed else { return Ok(None) };
        let by_user = signed_in == Some(owner.id);
        resume_mail(tx, &owner, &consumed.email, request).await?;
        let user = store::users::verify_email(tx, owner.id, &consumed.email, by_user).await?;
        let user = user.ok_or_else(invalid_token)?;
        if by_user {
            store::identities::prove(tx, user.id).await?;
        }
        store::audit_events::insert(tx, &Event::new(Action::EmailVerified, user.id, request)).await?;
        Ok(Some(user))
    });
    verified.await?.ok_or_else(invalid_token)
}

/// Lets mail be sent to `address` again, if it is the user's and mail has stopped after a bounce: the link arrived.
async fn resume_mail(tx: &mut Tx, user: &User, address: &str, request: &RequestInfo) -> Result<(), ApiError> {
    let bounced = user.mail_stopped == Some(StopReason::Bounce) && user.email == address;
    if bounced && store::mail_suppressions::lift(tx, address, Some(StopReason::Bounce)).await? {
        store::audit_events::insert(tx, &Event::new(Action::MailResumed, user.id, request)).await?;
    }
    Ok(())
}
