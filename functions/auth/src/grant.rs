//! What a sign-in gives: a session and its tokens.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    audit::{Action, Event},
    db::Tx,
    http::RequestInfo,
    idempotency::Made,
    ids::{SessionId, UserId},
    page::Data,
    store::{self, users::User},
};
use utoipa::ToSchema;

use crate::{AuthState, cookie, me::Profile, refresh_token::RefreshToken, sessions::SessionView};

/// How the refresh token travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// In the body, for clients that can keep a secret.
    #[default]
    Body,
    /// In the cookie `__Host-arches_refresh`, for browsers.
    Cookie,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Cookie => "cookie",
        }
    }
}

/// An access token and, unless it is in the cookie, a refresh token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// A JWT; send it as `Authorization: Bearer …`.
    // The issuer and the audience are settings: all variables of a Lambda function have at most 4 KB.
    #[schema(max_length = 8192)]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer", max_length = 6)]
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    // More is beyond the last year that `chrono` knows.
    #[schema(example = 900, maximum = 10_000_000_000_000i64)]
    pub expires_in: u64,
    /// Opaque; trade it for a new pair at `/v1/auth/refresh` before the session expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 99, max_length = 99)]
    pub refresh_token: Option<String>,
}

/// A person who has just signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// Who.
    pub user: Profile,
    /// In which session.
    pub session: SessionView,
    /// With which tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

async fn open(
    state: &AuthState,
    tx: &mut Tx,
    user: UserId,
    transport: Transport,
    request: &RequestInfo,
    now: DateTime<Utc>,
) -> anyhow::Result<(SessionView, RefreshToken)> {
    let tokens = &state.app.config.tokens;
    let id = SessionId::new();
    let token = RefreshToken::first(&state.refresh_keys().await?, id)?;
    let ends_at = now + tokens.session_limit;
    let address = request.address.map(|address| address.to_string());
    let new = store::sessions::NewSession {
        id,
        user,
        refresh_token_hash: &token.hash(),
        transport: transport.name(),
        user_agent: request.user_agent.as_deref(),
        ip_address: address.as_deref(),
        expires_at: ends_at.min(now + tokens.refresh_expiry),
        ends_at,
    };
    let session = store::sessions::insert(tx, &new, now).await?;
    Ok((SessionView::of(session, id), token))
}

/// Signs `user` in, who has just proved who they are.
pub async fn sign_in(
    state: &AuthState,
    tx: &mut Tx,
    user: User,
    transport: Transport,
    request: &RequestInfo,
    now: DateTime<Utc>,
) -> anyhow::Result<Made> {
    let id = user.id;
    let (session, refresh) = open(state, tx, id, transport, request, now).await?;
    let event = Event::new(Action::SessionCreated, id, request).through(session.id).to(session.id.0);
    store::audit_events::insert(tx, &event, now).await?;
    let lives = session.expires_at - now;
    let tokens = tokens(state, id, session.id, &refresh, transport, now).await?;
    let made = Made::new(SignedIn { user: user.into(), session, tokens })?;
    let cookie = match transport {
        Transport::Cookie => cookie::set(&refresh.reveal(), lives.num_seconds()),
        Transport::Body => None,
    };
    Ok(match cookie.as_ref().and_then(|cookie| cookie.to_str().ok()) {
        Some(cookie) => made.with(&header::SET_COOKIE, cookie.to_owned()),
        None => made,
    })
}

/// Signs an access token for `session` and pairs it with `refresh`.
pub async fn tokens(
    state: &AuthState,
    user: UserId,
    session: SessionId,
    refresh: &RefreshToken,
    transport: Transport,
    now: DateTime<Utc>,
) -> anyhow::Result<Tokens> {
    Ok(Tokens {
        access_token: state.signer.sign(user, session, now).await?,
        token_type: "Bearer",
        expires_in: state.app.config.tokens.expiry.as_secs(),
        refresh_token: (transport == Transport::Body).then(|| refresh.reveal()),
    })
}

/// Answers with `body`, and with the refresh token as a cookie if that is how it travels.
pub fn respond<T: Serialize>(
    status: StatusCode,
    body: T,
    refresh: &RefreshToken,
    transport: Transport,
    lives: chrono::TimeDelta,
) -> Response {
    let mut response = (status, Json(Data { data: body })).into_response();
    if transport == Transport::Cookie
        && let Some(cookie) = cookie::set(&refresh.reveal(), lives.num_seconds())
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
