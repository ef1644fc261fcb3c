//! `POST /v1/auth/refresh`

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::TimeDelta;
use serde::Deserialize;
use shared::{
    ApiError,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        ids::{SessionId, UserId},
        page::Data,
    },
    http::extract::OptionalBody,
    store,
};
use utoipa::ToSchema;

use super::{
    cookie,
    refresh_token::{ParsedToken, RefreshKeys, RefreshToken},
};
use crate::{
    AuthState, refusals,
    sign_in::session_tokens::{self, Tokens, Transport},
};

/// For this time, a used-up token still gets its successor: two tabs of one browser may send it, or a response may be lost.
const REUSE_GRACE: TimeDelta = TimeDelta::seconds(10);

/// The refresh token. Leave it out if it is in the cookie.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Refresh {
    /// The token from the last response.
    #[schema(example = "rt_AZxW…", max_length = 99)]
    refresh_token: Option<String>,
}

/// The token that replaces the presented one.
struct Successor {
    user: UserId,
    token: RefreshToken,
    lifetime: TimeDelta,
}

enum Decision {
    Replaced(Successor),
    /// The stored successor was made with a key that this instance has not read yet.
    UnknownKey,
    Refused,
}

/// Exchange a refresh token for a new pair of tokens.
///
/// A refresh token can be used once. The same token, sent again within 10 s, gets the same new refresh token. If it is sent later, it
/// was probably stolen, and the session ends.
#[utoipa::path(
    post, path = "/v1/auth/refresh", tag = "auth", operation_id = "refresh",
    request_body(content = Option<Refresh>),
    responses(
        (status = 200, description = "The new tokens.", body = Data<Tokens>),
        (status = 401, description = "`invalid-refresh-token`"),
        (status = 403, description = "`foreign-origin`"),
    ),
)]
pub async fn refresh(
    State(state): State<AuthState>,
    request: RequestInfo,
    headers: HeaderMap,
    OptionalBody(body): OptionalBody<Refresh>,
) -> Result<Response, ApiError> {
    let (text, transport) = match body.and_then(|body| body.refresh_token) {
        Some(text) => (Some(text), Transport::Body),
        None => (cookie::REFRESH.read(&headers), Transport::Cookie),
    };
    let text = text.ok_or(refusals::INVALID_REFRESH_TOKEN)?;
    transport.require_listed_origin(&headers, &state.app.config.web)?;
    // Before the token is used up: a response that cannot be signed must not cost the client its token.
    state.signer.check().await?;
    let (token, keys) = parse(&state, &text).await?;
    let Successor { user, token, lifetime } = replace(&state, &token, &keys, &request).await?;
    let tokens = session_tokens::sign(&state, user, &token, transport, state.app.clock.now()).await?;
    Ok(session_tokens::respond(tokens, &token, transport, lifetime))
}

/// Returns the token, and the keys that include its own. Reads the keys again if they do not include it.
async fn parse(state: &AuthState, text: &str) -> Result<(RefreshToken, RefreshKeys), ApiError> {
    let mut keys = state.refresh_keys().await?;
    let mut parsed = RefreshToken::parse(&keys, text);
    if matches!(parsed, ParsedToken::UnknownKey) {
        keys = state.renewed_refresh_keys().await?;
        parsed = RefreshToken::parse(&keys, text);
    }
    match parsed {
        ParsedToken::Authentic(token) => Ok((token, keys)),
        ParsedToken::UnknownKey | ParsedToken::Forged => Err(refusals::INVALID_REFRESH_TOKEN.into()),
    }
}

/// Replaces the session's token. Reads the keys again if `keys` do not include one that is needed.
async fn replace(
    state: &AuthState,
    token: &RefreshToken,
    keys: &RefreshKeys,
    request: &RequestInfo,
) -> Result<Successor, ApiError> {
    let db = &state.app.db;
    let mut decision = db.transaction(async |tx| decide(state, tx, token, keys, request).await).await?;
    if matches!(decision, Decision::UnknownKey) {
        let keys = state.renewed_refresh_keys().await?;
        decision = db.transaction(async |tx| decide(state, tx, token, &keys, request).await).await?;
    }
    match decision {
        Decision::Replaced(successor) => Ok(successor),
        Decision::UnknownKey | Decision::Refused => Err(refusals::INVALID_REFRESH_TOKEN.into()),
    }
}

/// Replaces the session's token by its successor, if it is the current one.
async fn rotate(
    state: &AuthState,
    tx: &mut Tx,
    token: &RefreshToken,
    keys: &RefreshKeys,
) -> Result<Option<Successor>, ApiError> {
    let (now, successor) = (tx.now(), token.successor(keys));
    let expires_at = now + state.app.config.tokens.refresh_expiry;
    let (id, hash) = (token.session(), token.hash());
    let rotated = store::sessions::rotate(tx, id, &hash, &successor.hash(), expires_at).await?;
    Ok(rotated.map(|session| Successor {
        user: session.user_id,
        token: successor,
        lifetime: session.expires_at - now,
    }))
}

/// Decides about a token. One that is not the current one is decided while the session is locked, so that a refresh and a
/// revocation happen one after the other.
async fn decide(
    state: &AuthState,
    tx: &mut Tx,
    token: &RefreshToken,
    keys: &RefreshKeys,
    request: &RequestInfo,
) -> Result<Decision, ApiError> {
    if let Some(successor) = rotate(state, tx, token, keys).await? {
        return Ok(Decision::Replaced(successor));
    }
    let (id, hash, now) = (token.session(), token.hash(), tx.now());
    let Some(session) = store::sessions::lock_for_refresh(tx, id).await? else {
        return Ok(Decision::Refused);
    };
    let (user, current) = (session.user_id, session.refresh_token_hash);
    if hash == current {
        // It has become the current token since the first statement.
        return Ok(rotate(state, tx, token, keys).await?.map_or(Decision::Refused, Decision::Replaced));
    }
    let expires_at = session.ends_at.min(now + state.app.config.tokens.refresh_expiry);
    let replaced = |token| Decision::Replaced(Successor { user, token, lifetime: expires_at - now });
    if session.previous_refresh_token_hash == Some(hash) && now - session.rotated_at <= REUSE_GRACE {
        // The stored successor may be from an instance whose first key is another one.
        return Ok(token.successor_hashed(keys, &current).map_or(Decision::UnknownKey, replaced));
    }
    revoke_stolen(tx, user, id, request).await?;
    Ok(Decision::Refused)
}

/// Ends the session of a token that was presented again after it was used up.
async fn revoke_stolen(
    tx: &mut Tx,
    user: UserId,
    id: SessionId,
    request: &RequestInfo,
) -> Result<(), ApiError> {
    store::sessions::revoke(tx, user, id, "refresh_token_reused").await?;
    let event = Event::refused(Action::RefreshTokenReused, Some(user), request).through(id);
    Ok(store::audit_events::insert(tx, &event).await?)
}
