//! `POST /v1/auth/refresh`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::session,
    db::Tx,
    extract::OptionalBody,
    http::RequestInfo,
    ids::UserId,
    page::Data,
    store,
};
use utoipa::ToSchema;

use crate::{
    AuthState, cookie,
    grant::{self, Tokens, Transport},
    refresh_token::{Reading, RefreshKeys, RefreshToken},
    refusals,
};

/// How long a token that was just used up still gets its successor: two tabs of one browser, or a lost answer.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// The token to trade in; left out if it is in the cookie.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Refresh {
    /// As the last answer had it.
    #[schema(example = "rt_AZxW…", max_length = 99)]
    refresh_token: Option<String>,
}

enum Decision {
    Granted {
        user: UserId,
        token: RefreshToken,
        lives: TimeDelta,
    },
    Reused,
    /// The successor that is stored was made with a key that is not among those at hand.
    UnknownKey,
    Refused,
}

/// Trade a refresh token for a new pair.
///
/// The token is used up by it. Within 10 s the same token gets the same successor; later, it must have been stolen, and the
/// session ends.
#[utoipa::path(
    post, path = "/v1/auth/refresh", tag = "auth", operation_id = "refresh",
    request_body(content = Option<Refresh>),
    responses(
        (status = 200, description = "A new pair.", body = Data<Tokens>),
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
    let (token, transport) = match body.and_then(|body| body.refresh_token) {
        Some(token) => (Some(token), Transport::Body),
        None => (cookie::read(&headers), Transport::Cookie),
    };
    let token = token.ok_or(refusals::INVALID_REFRESH_TOKEN)?;
    if transport == Transport::Cookie {
        cookie::require_listed_origin(&headers, &state.app.config.web)?;
    }
    // Before the token is used up: an answer that cannot be given must not cost it.
    state.signer.check().await?;
    let mut keys = state.refresh_keys().await?;
    let mut reading = RefreshToken::read(&keys, &token);
    if matches!(reading, Reading::UnknownKey) {
        keys = state.renewed_refresh_keys().await?;
        reading = RefreshToken::read(&keys, &token);
    }
    let Reading::Ours(token) = reading else { return Err(refusals::INVALID_REFRESH_TOKEN.into()) };
    let (id, now) = (token.session(), state.app.clock.now());

    let decided = async |keys| {
        state.app.db.transaction(async |tx| decide(&state, tx, &token, keys, &request, now).await).await
    };
    let mut decision = decided(&keys).await?;
    if matches!(decision, Decision::UnknownKey) {
        let renewed = state.renewed_refresh_keys().await?;
        decision = decided(&renewed).await?;
    }
    match decision {
        Decision::Granted { user, token, lives } => {
            let tokens = grant::tokens(&state, user, id, &token, transport, now).await?;
            Ok(grant::respond(StatusCode::OK, tokens, &token, transport, lives))
        }
        Decision::Reused => {
            session::forget(&state.app, &[id]).await;
            Err(refusals::INVALID_REFRESH_TOKEN.into())
        }
        Decision::UnknownKey | Decision::Refused => Err(refusals::INVALID_REFRESH_TOKEN.into()),
    }
}

/// Decides while the session's row is held, so that a refresh and a revocation come one after the other.
async fn decide(
    state: &AuthState,
    tx: &mut Tx,
    token: &RefreshToken,
    keys: &RefreshKeys,
    request: &RequestInfo,
    now: DateTime<Utc>,
) -> anyhow::Result<Decision> {
    let id = token.session();
    let Some(held) = store::sessions::hold_for_refresh(tx, id, now).await? else {
        return Ok(Decision::Refused);
    };
    let (user, hash) = (held.user_id, token.hash());
    let expires_at = held.ends_at.min(now + state.app.config.tokens.refresh_expiry);
    let lives = expires_at - now;
    if hash == held.refresh_token_hash {
        let successor = token.successor(keys);
        store::sessions::rotate(tx, id, &successor.hash(), expires_at, now).await?;
        return Ok(Decision::Granted { user, token: successor, lives });
    }
    if held.previous_refresh_token_hash.is_some_and(|previous| previous == hash)
        && now - held.rotated_at <= GRACE
    {
        // Made a moment ago, perhaps by an instance with other keys in front.
        let successor = token.successor_hashed(keys, &held.refresh_token_hash);
        return Ok(successor.map_or(Decision::UnknownKey, |successor| Decision::Granted {
            user,
            token: successor,
            lives,
        }));
    }
    store::sessions::revoke(tx, held.user_id, id, "refresh_token_reused", now).await?;
    let event = Event::new(Action::RefreshTokenReused, held.user_id, request).through(id).to(id.0).denied();
    store::audit_events::insert(tx, &event, now).await?;
    Ok(Decision::Reused)
}
