//! `POST /v1/auth/reject-link`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    accounts::departure,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        changes::ChangedFields,
        ids::UserId,
    },
    http::extract::Body,
    store::{self, verification_tokens::Purpose},
};

use crate::{AuthState, email::verify::Verification, links, refusals::invalid_token};

/// Say that a mail about an e-mail address is not for me.
///
/// Takes the token of a mail that verifies an address or confirms a new one, and uses it up. If nobody has verified the address of the
/// account, the account is deleted, and the address is free. A change to a new address does not happen.
#[utoipa::path(
    post, path = "/v1/auth/reject-link", tag = "auth", operation_id = "reject_link",
    request_body = Verification,
    responses(
        (status = 204, description = "The link does not work any more."),
        (status = 409, description = "`last-owner`"),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn reject_link(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(verification): Body<Verification>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &verification.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses up the token, and deletes the account if its address was never verified.
pub async fn redeem(state: &AuthState, request: &RequestInfo, token: &OneTimeToken) -> Result<(), ApiError> {
    let hash = token.hash();
    let rejected = state.app.db.transaction(async |tx| {
        if let Some(owner) = store::verification_tokens::owner(tx, Purpose::VerifyEmail, &hash).await? {
            return reject_verification(tx, owner, &hash, request).await;
        }
        let redeemed = links::redeem(tx, Purpose::ChangeEmail, &hash).await?;
        let (user, _) = redeemed.ok_or_else(invalid_token)?;
        record(tx, user.id, request).await
    });
    rejected.await
}

/// Deletes the account of `owner` if its address was never verified. Otherwise only uses up the token.
async fn reject_verification(
    tx: &mut Tx,
    owner: UserId,
    hash: &[u8],
    request: &RequestInfo,
) -> Result<(), ApiError> {
    let purpose = Purpose::VerifyEmail;
    let user = store::users::lock(tx, owner).await?.ok_or_else(invalid_token)?;
    // Another request may have used the token before this one got the lock.
    store::verification_tokens::owner(tx, purpose, hash).await?.ok_or_else(invalid_token)?;
    if user.email_verified_at.is_none() && user.deleted_at.is_none() {
        // Uses up all tokens, after the organizations: the lock order.
        delete(tx, owner, request).await?;
    } else {
        store::verification_tokens::consume(tx, purpose, hash).await?;
    }
    record(tx, owner, request).await
}

async fn record(tx: &mut Tx, user: UserId, request: &RequestInfo) -> Result<(), ApiError> {
    let event = Event::anonymous(Action::LinkRejected, request).to(user.0);
    Ok(store::audit_events::insert(tx, &event).await?)
}

/// Deletes the account. Removes the password, the identities and the passkeys, so that they do not work if the account is restored.
async fn delete(tx: &mut Tx, user: UserId, request: &RequestInfo) -> Result<(), ApiError> {
    store::users::remove_password(tx, user).await?;
    store::users::delete(tx, user, None).await?;
    let event = Event::anonymous(Action::UserDeleted, request).to(user.0);
    departure::leave_organizations(tx, user, &event).await?;
    store::identities::remove_all(tx, user).await?;
    store::passkeys::remove_all(tx, user).await?;
    store::verification_tokens::withdraw(tx, user, Purpose::ALL).await?;
    store::sessions::revoke_all(tx, user, None, "link_rejected").await?;
    let changes = ChangedFields::default().values("deleted", Some(false), Some(true));
    Ok(store::audit_events::insert(tx, &event.with(&changes)).await?)
}
