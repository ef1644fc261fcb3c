//! The caller of a route. A handler that asks for [`Caller`] cannot be reached without one; a handler that does not is
//! visibly public.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use chrono::{DateTime, Utc};

use super::{
    profile::{self, Account},
    session::{self, Cached},
};
use crate::crypto::{
    access_token::{self, Claims},
    api_key::ApiKeyToken,
};
use crate::{
    ApiError, AppState, Refusal,
    domain::ids::{SessionId, UserId},
    error::Unavailable,
};

/// Said to everyone who cannot be told apart from a stranger, whatever the reason.
pub const UNAUTHENTICATED: Refusal =
    Refusal::unauthorized("unauthenticated", "A valid access token is needed: Authorization: Bearer …");

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A person in a session that is alive.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// When they last proved who they are.
    pub authenticated_at: DateTime<Utc>,
    /// What the cache knows of their account.
    cached: Option<Arc<Account>>,
}

impl Caller {
    /// The caller's account; `None` if it has just come to its end.
    pub async fn account(self, state: &AppState) -> anyhow::Result<Option<Arc<Account>>> {
        profile::find(state, self.user, self.cached).await
    }
}

/// What the request's credential turned out to be, before any handler asks.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    None,
    Invalid,
    /// A well-formed API key.
    ApiKey(ApiKeyToken),
    /// A valid token, and what the cache knows of whom it names.
    Token(Claims, Known),
    /// It could not be told.
    Unknown(Arc<anyhow::Error>),
}

/// What the cache knows of a token's session and of its user's account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub session: Option<Cached>,
    pub account: Option<Arc<Account>>,
}

/// What the request gives as its credential.
pub(crate) enum Given<'a> {
    Nothing,
    Invalid,
    /// A well-formed API key.
    ApiKey(ApiKeyToken),
    /// A token, and what it says of itself.
    Token(&'a str, Claims),
}

impl<'a> Given<'a> {
    /// Reads the `Authorization` header (RFC 6750, 2.1) or `X-API-Key`.
    pub fn read(headers: &'a HeaderMap) -> Self {
        let bearer = headers.get_all(header::AUTHORIZATION).iter().map(bearer);
        let keys = headers.get_all(API_KEY).iter().map(|value| value.to_str().ok());
        let mut values = bearer.chain(keys);
        let text = match (values.next(), values.next()) {
            (None, _) => return Self::Nothing,
            (Some(Some(text)), None) => text,
            _ => return Self::Invalid,
        };
        if ApiKeyToken::is_one(text) {
            return ApiKeyToken::parse(text).map_or(Self::Invalid, Self::ApiKey);
        }
        if !headers.contains_key(header::AUTHORIZATION) {
            return Self::Invalid;
        }
        access_token::unverified(text).map_or(Self::Invalid, |claims| Self::Token(text, claims))
    }

    /// The credential that this is, of which nothing is known yet.
    pub async fn verify(&self, state: &AppState) -> Credential {
        match self {
            Self::Nothing => Credential::None,
            Self::Invalid => Credential::Invalid,
            Self::ApiKey(key) => Credential::ApiKey(key.clone()),
            Self::Token(text, _) => match state.verifier.verify(text).await {
                Ok(Some(claims)) => Credential::Token(claims, Known::default()),
                Ok(None) => Credential::Invalid,
                Err(error) => Credential::Unknown(Arc::new(error)),
            },
        }
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl<S: Sync> FromRequestParts<S> for Caller
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (claims, known) = match parts.extensions.get::<Credential>() {
            Some(Credential::Token(claims, known)) => (claims.clone(), known.clone()),
            Some(Credential::Unknown(error)) => {
                return Err(Unavailable::new("secrets", anyhow::anyhow!("{error:#}")).into());
            }
            Some(Credential::None | Credential::Invalid | Credential::ApiKey(_)) | None => {
                return Err(UNAUTHENTICATED.into());
            }
        };
        let session = session::find(&AppState::from_ref(state), claims.sid, known.session).await?;
        let Some(session) = session.filter(|session| session.user_id == claims.sub) else {
            return Err(UNAUTHENTICATED.into());
        };
        tracing::Span::current().record("user.id", tracing::field::display(claims.sub));
        Ok(Self {
            user: claims.sub,
            session: claims.sid,
            authenticated_at: session.authenticated_at,
            cached: known.account,
        })
    }
}
