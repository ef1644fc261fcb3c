//! `POST /v1/auth/magic-links/verify`

use axum::{extract::State, http::HeaderMap};
use serde::Deserialize;
use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        factor::Factor,
        ids::{SessionId, UserId, VerificationTokenId},
        input::Email,
        page::Data,
        parse::or_default,
    },
    http::extract::Body,
    store::{
        self,
        users::User,
        verification_tokens::{Consumed, Purpose},
    },
};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;
use uuid::Uuid;

use super::code_hash;
use crate::{
    AuthState, links,
    refusals::{self, invalid_token},
    sign_in::{
        challenges::ChallengeNeeded,
        first_step::{self, FirstAnswer},
        origin::Origin,
        session_tokens::{SignedIn, Transport},
    },
    throttle::{self, Guesser},
};

/// The number of guesses at the code of one mail, from all sources together. The link in the mail still works.
const MAX_GUESSES: i32 = 5;

/// The token from the link; or the address, and the code from the same mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MagicLinkProof {
    token: Option<OneTimeToken>,
    email: Option<Email>,
    /// Six digits.
    #[schema(min_length = 1, max_length = 16, example = "123456")]
    code: Option<String>,
    /// The token from an earlier sign-in, unless it is in the cookie: no mail is sent about a known device.
    #[schema(max_length = 78)]
    device_token: Option<String>,
    /// The place of the refresh token.
    #[serde(default, deserialize_with = "or_default")]
    transport: Transport,
}

/// Proof that a mail was read.
pub enum Proof {
    Token(OneTimeToken),
    /// The mail with the right code, and its owner.
    Code(UserId, VerificationTokenId),
    WrongCode,
}

impl Proof {
    /// Returns the refusal of a proof that is not valid.
    pub fn refusal(&self) -> ApiError {
        match self {
            Self::Token(_) => invalid_token(),
            Self::Code(..) | Self::WrongCode => refusals::INVALID_CODE.at("/code"),
        }
    }

    /// Uses up the link or the code. Returns the owner as before, locked until the transaction ends; `None` if the proof is not valid.
    pub async fn consume(&self, tx: &mut Tx) -> Result<Option<(User, Consumed)>, ApiError> {
        match self {
            Self::Token(token) => links::redeem(tx, Purpose::MagicLink, &token.hash()).await,
            Self::Code(owner, id) => {
                let user = store::users::lock(tx, *owner).await?;
                Ok(user.zip(store::verification_tokens::consume_guessed(tx, *id).await?))
            }
            Self::WrongCode => Ok(None),
        }
    }
}

/// Sign in with a magic link or its code.
///
/// Marks the address as verified. If nobody who had proved the address has set the password or linked an identity, another person may have
/// created the account: these are removed, all other sessions end, and other mailed links stop working.
#[utoipa::path(
    post, path = "/v1/auth/magic-links/verify", tag = "auth", operation_id = "verify_magic_link",
    request_body = MagicLinkProof,
    responses(
        (status = 200, description = "The account has a second factor: there is no session yet.", body = Data<ChallengeNeeded>),
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 422, description = "`invalid-token`, `invalid-code` or `token-or-code`"),
        (status = 403, description = "`foreign-origin`"),
    ),
)]
pub async fn verify(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Body(new): Body<MagicLinkProof>,
) -> Result<FirstAnswer, ApiError> {
    new.transport.require_listed_origin(&headers, &state.app.config.web)?;
    let proof = match (new.token, new.email, new.code) {
        (Some(token), None, None) => Proof::Token(token),
        (None, Some(email), Some(code)) => check_code(&state, &request, None, &email, &code).await?,
        _ => return Err(refusals::TOKEN_OR_CODE.into()),
    };
    let origin = Origin::read(&headers, new.device_token);
    sign_in(&state, &request, &proof, new.transport, &origin).await
}

/// Uses up the link or the code, and signs its owner in.
pub async fn sign_in(
    state: &AuthState,
    request: &RequestInfo,
    proof: &Proof,
    transport: Transport,
    origin: &Origin,
) -> Result<FirstAnswer, ApiError> {
    state.signer.check().await?;
    let sign_in = state.app.db.transaction(async |tx| {
        let user = redeem(tx, proof, request).await?;
        first_step::complete(state, tx, user, Factor::Mail, transport, request, origin).await
    });
    let signed_in = sign_in.await;
    if let (Err(ApiError::Refused(_)), Proof::Token(token)) = (&signed_in, proof) {
        let (db, hash) = (&state.app.db, token.hash());
        db.transaction(async |tx| links::audit_refused(tx, Purpose::MagicLink, &hash, request).await).await?;
    }
    Ok(signed_in?.committed(state).await)
}

/// Uses up the link or the code, and marks its owner's address as verified.
async fn redeem(tx: &mut Tx, proof: &Proof, request: &RequestInfo) -> Result<User, ApiError> {
    let (before, consumed) = proof.consume(tx).await?.ok_or_else(|| proof.refusal())?;
    let user = store::users::verify_email(tx, before.id, &consumed.email, false).await?;
    let user = user.ok_or_else(|| proof.refusal())?;
    if store::users::remove_unproved_ways_in(tx, user.id).await? {
        end_other_access(tx, user.id, request).await?;
    }
    Ok(user)
}

/// Withdraws all mailed links, and ends all sessions: another person may have made the account and chosen its password.
pub async fn end_other_access(tx: &mut Tx, user: UserId, request: &RequestInfo) -> Result<(), ApiError> {
    store::verification_tokens::withdraw(tx, user, Purpose::REQUESTED).await?;
    let event = Event::new(Action::PasswordRemoved, user, request);
    store::audit_events::insert(tx, &event).await?;
    Ok(store::sessions::revoke_all(tx, user, None, "address_proved").await?)
}

/// Compares `code` with the codes mailed to `email`. The guess is counted whether it is right or not. A wrong code is recorded in the
/// audit log.
///
/// `session` proves again who its user is; it is `None` at a sign-in.
pub async fn check_code(
    state: &AuthState,
    request: &RequestInfo,
    session: Option<SessionId>,
    email: &Email,
    code: &str,
) -> Result<Proof, ApiError> {
    let account = format!("code:{}", email.as_ref());
    let attempt = throttle::attempt(state, &account, Guesser::Source(request)).await?;
    if !throttle::may_guess_code(state, email.as_ref()).await? {
        return Ok(Proof::WrongCode);
    }
    let action = if session.is_some() { Action::SessionReauthenticated } else { Action::SessionCreated };
    let found = state.app.db.transaction(async |tx| {
        let (account, proof) = find_code(state, tx, email, code).await?;
        if matches!(proof, Proof::WrongCode) {
            let event = Event { session, ..Event::refused(action, account, request) };
            store::audit_events::insert(tx, &event).await?;
        }
        Ok(proof)
    });
    let proof = found.await;
    match proof {
        Ok(Proof::Code(..)) => attempt.succeed(state).await,
        Err(_) => attempt.take_back(state).await,
        Ok(_) => {}
    }
    proof
}

/// Finds and locks the account with `email`, and the mail with `code`. Without an account the same statements run, so that the time does not
/// reveal it.
async fn find_code(
    state: &AuthState,
    tx: &mut Tx,
    email: &Email,
    code: &str,
) -> Result<(Option<UserId>, Proof), ApiError> {
    let account = store::users::lock_by_email(tx, email).await?.map(|user| user.id);
    let user = account.unwrap_or(UserId(Uuid::nil()));
    let hash = code_hash(state, user, code).await?;
    let candidates = store::verification_tokens::guess(tx, user, MAX_GUESSES).await?;
    let matching = candidates
        .into_iter()
        .find(|candidate| candidate.code_hash.as_deref().is_some_and(|stored| stored.ct_eq(&hash).into()));
    Ok((account, matching.map_or(Proof::WrongCode, |mail| Proof::Code(user, mail.id))))
}
