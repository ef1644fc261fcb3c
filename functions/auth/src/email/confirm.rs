//! `POST /v1/auth/confirm-email`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    ApiError, OnConstraint,
    auth::{Actor, Caller, Guest},
    crypto::one_time_token::OneTimeToken,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        password::Password,
    },
    http::extract::Body,
    store::{self, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use crate::{
    AuthState,
    links::{self, Link},
    mails,
    password::reauthenticate::{PasswordAttempt, is_proof_valid},
    refusals::{self, invalid_token},
};

/// The token from the mail, and proof that the sender owns the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EmailConfirmation {
    token: OneTimeToken,
    /// Not needed with an access token of the same account.
    current_password: Option<Password>,
}

/// Confirm a new e-mail address with the mailed token.
///
/// Needs an access token of the same account, or its current password. Mails the old address, if it was verified, a link that moves the
/// account back.
#[utoipa::path(
    post, path = "/v1/auth/confirm-email", tag = "auth", operation_id = "confirm_email",
    request_body = EmailConfirmation, security((), ("bearer" = [])),
    responses(
        (status = 204, description = "The account has the new address."),
        (status = 401, description = "`proof-needed`"),
        (status = 403, description = "`wrong-password` or `second-factor-needed`"),
        (status = 422, description = "`invalid-token`"),
        (status = 409, description = "`email-taken`"),
    ),
)]
pub async fn confirm_email(
    State(state): State<AuthState>,
    caller: Option<Caller>,
    request: RequestInfo,
    Body(confirmation): Body<EmailConfirmation>,
) -> Result<StatusCode, ApiError> {
    let (token, password) = (&confirmation.token, confirmation.current_password.as_ref());
    match &caller {
        Some(caller) => redeem(&state, caller, Some(caller), &request, token, password).await?,
        None => redeem_with_password(&state, &request, token, password).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// [`redeem`] for a sender without a session.
pub async fn redeem_with_password(
    state: &AuthState,
    request: &RequestInfo,
    token: &OneTimeToken,
    password: Option<&Password>,
) -> Result<(), ApiError> {
    let guest = Guest { db: &state.app.db, name: String::new() };
    redeem(state, &guest, None, request, token, password).await
}

/// Uses up the token, and moves its owner's account to the new address. The sender must be the owner: the person who reads the new mailbox
/// may be another person, because of a mistyped address or because a stranger entered theirs.
async fn redeem(
    state: &AuthState,
    actor: &impl Actor,
    caller: Option<&Caller>,
    request: &RequestInfo,
    token: &OneTimeToken,
    password: Option<&Password>,
) -> Result<(), ApiError> {
    let (purpose, token) = (Purpose::ChangeEmail, token.hash());
    let find = actor.transaction(async |tx| {
        let Some(owner) = store::verification_tokens::owner(tx, purpose, &token).await? else {
            links::audit_refused(tx, purpose, &token, request).await?;
            return Ok(None);
        };
        let hash = if password.is_some() { store::users::password_hash(tx, owner).await? } else { None };
        Ok(Some((owner, hash)))
    });
    let (owner, hash) = find.await?.ok_or_else(invalid_token)?;
    let session = caller.filter(|caller| caller.user == owner).map(|caller| caller.session);
    let expected_hash = match password {
        Some(password) => {
            let attempt = PasswordAttempt::count(state, owner, session, request).await?;
            Some(attempt.compare(state, actor, password, hash).await?)
        }
        None if session.is_some() => None,
        None => return Err(refusals::PROOF_NEEDED.into()),
    };
    let undo = Link::generate(Purpose::UndoEmailChange)?;
    let moved = actor.transaction(async |tx| {
        // Also the other links: those to the old address must not work any more.
        let redeemed = links::redeem_and_withdraw(tx, owner, purpose, &token).await?;
        let Some((old, consumed)) = redeemed else {
            links::audit_refused(tx, purpose, &token, request).await?;
            return Ok(None);
        };
        if !is_proof_valid(tx, owner, session, expected_hash.as_deref()).await? {
            return Err(refusals::PROOF_NEEDED.into());
        }
        if session.is_none() && old.second_factor_at.is_some() {
            return Err(refusals::SECOND_FACTOR_NEEDED.into());
        }
        let user = store::users::change_email(tx, owner, &consumed.email)
            .await
            .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
            .ok_or_else(invalid_token)?;
        // As the password: the person who moves the account reads the address.
        store::identities::prove(tx, user.id).await?;
        if old.email_verified_at.is_some() {
            undo.insert(state, tx, user.id, &old.email).await?;
        }
        store::audit_events::insert(tx, &Event::new(Action::EmailChanged, user.id, request)).await?;
        Ok(Some(old))
    });
    let old = moved.await?.ok_or_else(invalid_token)?;
    // The reader of an address that was never verified may be a stranger, who must not get the account.
    if old.email_verified_at.is_some() {
        undo.send(state, &old.mailbox()).await;
    } else {
        mails::send_email_changed(state, &old.mailbox(), None).await;
    }
    Ok(())
}
