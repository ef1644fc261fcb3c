//! `POST /v1/auth/link-identity`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
    },
    http::extract::Body,
    store::{self, verification_tokens::Purpose},
};

use super::{identity_of, resolve::link_to, use_up};
use crate::{
    AuthState,
    email::verify::Verification,
    links,
    refusals::{self, invalid_token},
    sign_in::magic_links::verify::end_other_access,
};

/// Add the identity that was offered in a mail to my account.
///
/// Takes the token from the mail that follows `account-exists`. Afterwards the identity provider signs in to the account. Opens no session.
/// If nobody who had proved the address has set the password or linked an identity, another person may have created the account: these are
/// removed, all sessions end, and other mailed links stop working.
#[utoipa::path(
    post, path = "/v1/auth/link-identity", tag = "auth", operation_id = "link_identity",
    request_body = Verification,
    responses(
        (status = 204, description = "The identity is one of the ways to sign in."),
        (status = 409, description = "`linked-elsewhere`"),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn link_identity(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(verification): Body<Verification>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &verification.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses up the token, and links the identity to the account of its owner.
pub async fn redeem(state: &AuthState, request: &RequestInfo, token: &OneTimeToken) -> Result<(), ApiError> {
    let (purpose, hash) = (Purpose::LinkIdentity, token.hash());
    let linked = state.app.db.transaction(async |tx| {
        let redeemed = links::redeem_or_audit(tx, purpose, &hash, request).await?;
        let Some((user, consumed)) = redeemed else { return Ok(None) };
        if !user.is_active() || user.email != consumed.email {
            return Ok(None);
        }
        let flow = store::oauth_flows::find_offered(tx, user.id, &hash).await?.ok_or_else(invalid_token)?;
        let identity = identity_of(state, &flow).await?;
        use_up(tx, &flow).await?;
        // The sender reads the mail. A stranger who made the account would otherwise keep a way in beside the owner's.
        if store::users::remove_unproved_ways_in(tx, user.id).await? {
            end_other_access(tx, user.id, request).await?;
        }
        let owner = store::identities::owner(tx, &identity).await?;
        if owner.is_some_and(|owner| owner.user_id == user.id) {
            // It was linked since the mail.
            return Ok(Some(()));
        }
        let linked = link_to(tx, &flow, user.id, &identity, Some(true)).await?;
        let linked = linked.ok_or(refusals::LINKED_ELSEWHERE)?;
        let event = Event::new(Action::IdentityLinked, user.id, request).to(linked.0);
        store::audit_events::insert(tx, &event).await?;
        Ok(Some(()))
    });
    linked.await?.ok_or_else(invalid_token)
}
