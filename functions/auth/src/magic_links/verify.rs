//! `POST /v1/auth/magic-links/verify`

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::session,
    http::RequestInfo,
    idempotency::{Create, IdempotencyKey, Once},
    ids::{SessionId, UserId, VerificationTokenId},
    one_time::OneTimeToken,
    page::Data,
    store::{
        self,
        verification_tokens::{Consumed, Purpose},
    },
    text::Email,
};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::code_hash;
use crate::{
    AuthState, cookie,
    grant::{self, SignedIn, Transport},
    refusals, throttle,
};

/// How often the digits of one mail may be guessed at, by everyone together. The link beside them goes on working.
const MAX_GUESSES: i32 = 5;

/// The token from the link; or the address, and the code beside the link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MagicLinkProof {
    token: Option<OneTimeToken>,
    email: Option<Email>,
    /// Six digits.
    #[schema(min_length = 1, max_length = 16, example = "123456")]
    code: Option<String>,
    /// How the refresh token travels.
    #[serde(default)]
    transport: Transport,
}

/// Which mail was answered.
pub enum Proof {
    /// The one with this token.
    Token(OneTimeToken),
    /// The one with the digits that matched.
    Guessed(UserId, VerificationTokenId),
}

/// Sign in with a magic link or its code.
///
/// It proves the address. If nobody had proved it before, whoever set the account's password may be someone else: the password is
/// removed, all other sessions end, and so do other mailed links.
#[utoipa::path(
    post, path = "/v1/auth/magic-links/verify", tag = "auth", operation_id = "verify_magic_link",
    request_body = MagicLinkProof, params(IdempotencyKey),
    responses(
        (status = 201, description = "Signed in.", body = Data<SignedIn>),
        (status = 422, description = "`invalid-token`, `invalid-code` or `token-or-code`"),
        (status = 403, description = "`foreign-origin`"),
    ),
)]
pub async fn verify(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    Create { new: given, once }: Create<MagicLinkProof>,
) -> Result<Response, ApiError> {
    if given.transport == Transport::Cookie {
        cookie::require_listed_origin(&headers, &state.app.config.web)?;
    }
    let (proof, who) = match (given.token, given.email, given.code) {
        (Some(token), None, None) => {
            let who = format!("token:{}", data_encoding::HEXLOWER.encode(&token.hash()));
            (Some(Proof::Token(token)), who)
        }
        (None, Some(email), Some(code)) => {
            let who = format!("email:{}", email.as_ref().to_lowercase());
            (guess(&state, &request, &email, &code).await?, who)
        }
        _ => return Err(refusals::TOKEN_OR_CODE.into()),
    };
    sign_in(&state, &request, once, &who, proof, given.transport).await
}

/// Uses the mail up, and signs its owner in.
pub async fn sign_in(
    state: &AuthState,
    request: &RequestInfo,
    once: Once,
    who: &str,
    proof: Option<Proof>,
    transport: Transport,
) -> Result<Response, ApiError> {
    state.signer.check().await?;
    let now = state.app.clock.now();
    let (response, ended) = once
        .run(&state.app, who, async |tx| {
            let (owner, refusal) = match &proof {
                Some(Proof::Token(token)) => (
                    store::verification_tokens::owner(tx, Purpose::MagicLink, &token.hash(), now).await?,
                    refusals::INVALID_TOKEN.at("/token"),
                ),
                Some(Proof::Guessed(owner, _)) => (Some(*owner), refusals::INVALID_CODE.at("/code")),
                None => (None, refusals::INVALID_CODE.at("/code")),
            };
            let Some(owner) = owner else { return Err(refusal) };
            let before = store::users::hold(tx, owner).await?;
            let consumed = match &proof {
                Some(Proof::Token(token)) => {
                    store::verification_tokens::consume(tx, Purpose::MagicLink, &token.hash(), now).await?
                }
                Some(Proof::Guessed(_, id)) => {
                    store::verification_tokens::consume_guessed(tx, *id, now).await?
                }
                None => None,
            };
            let Some(Consumed { user_id, email }) = consumed else { return Err(refusal) };
            let user = store::users::verify_email(tx, user_id, &email, now).await?;
            let (Some(before), Some(user)) = (before, user) else { return Err(refusal) };
            let mut ended: Vec<SessionId> = Vec::new();
            if before.email_verified_at.is_none() {
                store::users::set_password(tx, user_id, None, now).await?;
                store::verification_tokens::withdraw(tx, user_id, Purpose::ALL, now).await?;
                let event = Event::new(Action::PasswordRemoved, user_id, request);
                store::audit_events::insert(tx, &event, now).await?;
                ended = store::sessions::revoke_all(tx, user_id, None, "address_proved", now).await?;
            }
            Ok((grant::sign_in(state, tx, user, transport, request, now).await?, ended))
        })
        .await?;
    session::forget(&state.app, &ended.unwrap_or_default()).await;
    Ok(response)
}

/// The mail to `email` whose digits are `code`. The guess is counted whatever comes of it.
async fn guess(
    state: &AuthState,
    request: &RequestInfo,
    email: &Email,
    code: &str,
) -> Result<Option<Proof>, ApiError> {
    let attempt = throttle::attempt(state, &format!("code:{}", email.as_ref()), request).await?;
    if !throttle::may_guess_code(state, email.as_ref()).await? {
        return Ok(None);
    }
    let now = state.app.clock.now();
    let found = state
        .app
        .db
        .transaction(async |tx| -> anyhow::Result<_> {
            let Some(user) = store::users::find_by_email(tx, email).await? else { return Ok(None) };
            let hash = code_hash(state, user.id, code).await?;
            let candidates = store::verification_tokens::guess(tx, user.id, MAX_GUESSES, now).await?;
            let right = candidates.into_iter().find(|candidate| {
                candidate.code_hash.as_deref().is_some_and(|code| code.ct_eq(&hash).into())
            });
            Ok(right.map(|right| Proof::Guessed(user.id, right.id)))
        })
        .await?;
    if found.is_some() {
        attempt.succeeded(state).await;
    }
    Ok(found)
}
