//! The session and the tokens that a sign-in creates.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    config::Web,
    db::Tx,
    domain::{
        actor::RequestInfo,
        factor::Factor,
        ids::{SessionId, UserId},
        page::Data,
    },
    store::{self, users::User},
};
use utoipa::ToSchema;

use super::{
    device::{Device, DeviceToken},
    new_device::Notice,
    origin::Origin,
};
use crate::{
    AuthState,
    me::Profile,
    refusals,
    sessions::{SessionView, cookie, refresh_token::RefreshToken},
};

/// The place of the refresh token: the body or a cookie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// In the body, for clients that can store a secret.
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

    /// Refuses the cookie to a page whose origin is not listed (OWASP CSRF Prevention Cheat Sheet).
    pub fn require_listed_origin(self, headers: &HeaderMap, web: &Web) -> Result<(), ApiError> {
        let listed = headers.get(header::ORIGIN).is_some_and(|origin| web.cors_origins.contains(origin));
        if self == Self::Body || listed { Ok(()) } else { Err(refusals::FOREIGN_ORIGIN.into()) }
    }

    /// Returns the cookie with `token`, if this is [`Self::Cookie`].
    fn cookie(self, token: &RefreshToken, lifetime: TimeDelta) -> Option<HeaderValue> {
        match self {
            Self::Cookie => cookie::REFRESH.set(&token.reveal(), lifetime.num_seconds()),
            Self::Body => None,
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
    /// The lifetime of the access token in seconds.
    // More is beyond the last year that `chrono` knows.
    #[schema(example = 900, maximum = 10_000_000_000_000i64)]
    pub expires_in: u64,
    /// Opaque. Exchange it for new tokens at `/v1/auth/refresh` before the session expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 99, max_length = 99)]
    pub refresh_token: Option<String>,
}

/// The user who has signed in, and the new session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The user's profile.
    pub user: Profile,
    /// The new session.
    pub session: SessionView,
    /// The session's tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Makes this device known for a year: send it with the next sign-in, so that wrong passwords of others do not keep you out, and no
    /// mail tells of a new device. In the cookie `__Host-arches_device` if the refresh token is in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 78, max_length = 78)]
    pub device_token: Option<String>,
}

/// The response to a sign-in. It is never stored.
pub struct Opened {
    pub signed_in: SignedIn,
    cookies: Vec<HeaderValue>,
}

impl IntoResponse for Opened {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(Data { data: self.signed_in })).into_response();
        set_cookies(response.headers_mut(), self.cookies);
        response
    }
}

impl Opened {
    /// Adds the cookies of the sign-in to a page.
    pub fn show(self, mut page: Response) -> Response {
        set_cookies(page.headers_mut(), self.cookies);
        page
    }
}

fn set_cookies(headers: &mut HeaderMap, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// A sign-in whose transaction has not ended.
pub struct Opening {
    opened: Opened,
    /// The mail about it, if it is from a new device.
    notice: Option<Notice>,
}

impl Opening {
    /// Does what follows the commit: mails the user about a new device.
    pub async fn committed(self, state: &AuthState) -> Opened {
        if let Some(notice) = self.notice {
            notice.send(state).await;
        }
        self.opened
    }
}

/// Signs `user` in after they proved their identity with `factors`: opens a session, and makes the device known.
pub async fn sign_in(
    state: &AuthState,
    tx: &mut Tx,
    user: User,
    factors: &[Factor],
    transport: Transport,
    request: &RequestInfo,
    origin: &Origin,
) -> Result<Opening, ApiError> {
    let (id, now) = (user.id, tx.now());
    let (session, refresh) = open_session(state, tx, id, factors, transport, request).await?;
    let known = Device::read(state, &user.email, origin).await?.filter(|device| device.is_known_to(&user));
    let notice = if known.is_none() { Notice::prepare(tx, &user, request).await? } else { None };
    let device = DeviceToken::create(state, &user.email, known.as_ref(), now).await?;
    let cookies = match transport {
        Transport::Cookie => {
            transport.cookie(&refresh, session.expires_at - now).into_iter().chain(device.cookie()).collect()
        }
        Transport::Body => Vec::new(),
    };
    let tokens = sign(state, id, &refresh, transport, now).await?;
    let device_token = (transport == Transport::Body).then(|| device.reveal());
    let opened = Opened { signed_in: SignedIn { user: user.into(), session, tokens, device_token }, cookies };
    Ok(Opening { opened, notice })
}

/// Adds a session, and returns it with its first refresh token.
async fn open_session(
    state: &AuthState,
    tx: &mut Tx,
    user: UserId,
    factors: &[Factor],
    transport: Transport,
    request: &RequestInfo,
) -> Result<(SessionView, RefreshToken), ApiError> {
    let (id, config) = (SessionId::new(), &state.app.config.tokens);
    let token = RefreshToken::first(&state.refresh_keys().await?, id)?;
    let ends_at = tx.now() + config.session_limit;
    let new = store::sessions::NewSession {
        id,
        user,
        refresh_token_hash: &token.hash(),
        transport: transport.name(),
        factors,
        request,
        expires_at: ends_at.min(tx.now() + config.refresh_expiry),
        ends_at,
    };
    let session = store::sessions::insert(tx, &new).await?;
    Ok((SessionView::new(session, id), token))
}

/// Signs an access token for the session of `refresh`, and pairs the two.
pub async fn sign(
    state: &AuthState,
    user: UserId,
    refresh: &RefreshToken,
    transport: Transport,
    now: DateTime<Utc>,
) -> Result<Tokens, ApiError> {
    Ok(Tokens {
        access_token: state.signer.sign(user, refresh.session(), now).await?,
        token_type: "Bearer",
        expires_in: state.app.config.tokens.expiry.as_secs(),
        refresh_token: (transport == Transport::Body).then(|| refresh.reveal()),
    })
}

/// Returns the response with `tokens`; with the refresh token in a cookie if `transport` says so.
pub fn respond(
    tokens: Tokens,
    refresh: &RefreshToken,
    transport: Transport,
    lifetime: TimeDelta,
) -> Response {
    let mut response = Json(Data { data: tokens }).into_response();
    if let Some(cookie) = transport.cookie(refresh, lifetime) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
