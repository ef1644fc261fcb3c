//! `POST /v1/auth/reject-sign-in`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, OnConstraint,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        mail_delivery::Mailbox,
    },
    http::extract::Body,
    mail::{letters, message},
    store::{
        self,
        users::User,
        verification_tokens::{Consumed, NewToken, Purpose},
    },
};

use crate::{
    AuthState,
    email::verify::Verification,
    links,
    refusals::{self, invalid_token},
};

/// Say that a sign-in was not me.
///
/// Takes the token from the mail about a sign-in from a new device. Ends all sessions, removes the password, makes all devices unknown, and
/// invalidates the other mailed links. If the account was moved to another address since, moves it back. Mails a link that sets a new
/// password. It never opens a session.
#[utoipa::path(
    post, path = "/v1/auth/reject-sign-in", tag = "auth", operation_id = "reject_sign_in",
    request_body = Verification,
    responses(
        (status = 204, description = "All sessions have ended, and the account has no password. A mail is on its way."),
        (status = 409, description = "`email-taken`, the account was moved and another one has the address now"),
        (status = 422, description = "`invalid-token`"),
    ),
)]
pub async fn reject_sign_in(
    State(state): State<AuthState>,
    request: RequestInfo,
    Body(verification): Body<Verification>,
) -> Result<StatusCode, ApiError> {
    redeem(&state, &request, &verification.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uses up the token, takes its owner's account back, and mails a link that sets a new password.
///
/// The link is mailed and not handed out: who finds an old mail must not get the account. That mail is not limited: it is the owner's
/// way back, and a thief could use up the limit first.
pub async fn redeem(state: &AuthState, request: &RequestInfo, token: &OneTimeToken) -> Result<(), ApiError> {
    let (purpose, hash) = (Purpose::RejectSignIn, token.hash());
    let way_in = OneTimeToken::generate()?;
    let rejected = state.app.db.transaction(async |tx| {
        let redeemed = links::redeem_or_audit(tx, purpose, &hash, request).await?;
        let Some((before, consumed)) = redeemed else { return Ok(None) };
        let mailbox = move_back(tx, &before, &consumed).await?;
        end_access(tx, &consumed).await?;
        let (user, email, token_hash) = (consumed.user_id, &*consumed.email, &way_in.hash());
        let new = NewToken { purpose: Purpose::ResetPassword, user, email, token_hash, code_hash: None };
        store::verification_tokens::insert(tx, &new).await?;
        let event = Event::new(Action::SignInRejected, user, request);
        store::audit_events::insert(tx, &event).await?;
        Ok(Some(mailbox))
    });
    let mailbox = rejected.await?.ok_or_else(invalid_token)?;
    let letter = letters::rejection(&state.app.config.web.app_url, &way_in);
    message::send(&*state.mailer, &mailbox, letter).await;
    Ok(())
}

/// Moves the account back to the address that got the mail, if it has another one by now. Refuses if the user is not active.
async fn move_back(tx: &mut Tx, before: &User, consumed: &Consumed) -> Result<Mailbox, ApiError> {
    if !before.is_active() {
        return Err(invalid_token());
    }
    if before.email == consumed.email {
        return Ok(before.mailbox());
    }
    let user = store::users::change_email(tx, before.id, &consumed.email)
        .await
        .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?;
    Ok(user.ok_or_else(invalid_token)?.mailbox())
}

/// Ends what the person who signed in can use to get in again.
async fn end_access(tx: &mut Tx, consumed: &Consumed) -> Result<(), ApiError> {
    let user = consumed.user_id;
    store::users::remove_password(tx, user).await?;
    store::identities::remove_all(tx, user).await?;
    store::passkeys::remove_all(tx, user).await?;
    store::verification_tokens::withdraw(tx, user, Purpose::REQUESTED).await?;
    store::verification_tokens::withdraw_later_ways_back(tx, consumed).await?;
    Ok(store::sessions::revoke_all(tx, user, None, "sign_in_rejected").await?)
}
