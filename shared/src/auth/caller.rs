//! The signed-in user who calls a route. A handler that takes [`Caller`] needs one. A handler that does not is visibly public.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    Actor, SignedIn, fresh,
    pending::{Pending, Verdict},
    profile::CachedProfile,
    session,
};
use crate::{
    ApiError, AppState, Refusal,
    cache::invalidation::CacheKey,
    crypto::{access_token::Claims, api_key::ApiKeyToken},
    db::{Db, Tx},
    domain::{
        actor::{Principal, RequestInfo},
        audit::{Action, Event},
        changes::ChangedFields,
        ids::{SessionId, UserId},
    },
    error::Unavailable,
    store::{self, sessions::LiveSession},
};

/// Returned for every missing, malformed or rejected credential; the reason is not revealed.
pub const UNAUTHENTICATED: Refusal =
    Refusal::unauthorized("unauthenticated", "A valid access token is needed: Authorization: Bearer …");

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A user with a live session.
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
    pub request: RequestInfo,
    fresh: bool,
    cached: Option<Arc<CachedProfile>>,
    db: Db,
    pending: Pending,
}

impl Caller {
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::User { id: self.user, session: self.session }
    }

    /// Returns the caller's profile, from the cache or the database; `None` if the account has just been deleted.
    pub async fn profile(&self) -> Result<Option<Arc<CachedProfile>>, ApiError> {
        if self.cached.is_some() {
            return Ok(self.cached.clone());
        }
        let read_at = Instant::now();
        let user = self.read(async |tx| Ok(store::users::find(tx, self.user).await?)).await?;
        let profile = user.map(|user| Arc::new(CachedProfile::from(user)));
        if let Some(profile) = &profile {
            self.pending.cache(CacheKey::Profile(self.user), &**profile, read_at);
        }
        Ok(profile)
    }

    /// Creates an event about the caller's own account.
    #[must_use]
    pub fn event(&self, action: Action) -> Event<'_> {
        Event::by(action, &self.principal(), &self.request)
    }

    /// Records that the caller did `action` to `target`.
    pub async fn audit(&self, tx: &mut Tx, action: Action, target: impl Into<Uuid>) -> Result<(), ApiError> {
        self.audit_changes(tx, action, target, &ChangedFields::default()).await
    }

    /// Records that the caller did `action` to `target`, and what it changed.
    pub async fn audit_changes(
        &self,
        tx: &mut Tx,
        action: Action,
        target: impl Into<Uuid>,
        changes: &ChangedFields,
    ) -> Result<(), ApiError> {
        let event = self.event(action).to(target.into()).with(changes);
        Ok(store::audit_events::insert(tx, &event).await?)
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn pending(&self) -> &Pending {
        &self.pending
    }
}

impl Actor for Caller {
    fn name(&self) -> String {
        self.principal().name()
    }

    async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> Result<T, ApiError> {
        self.db.resume(self.pending.take_transaction(), async |_| Ok(()), work).await
    }
}

impl SignedIn for Caller {
    fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// The request's credential, verified before any handler runs.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    None,
    Invalid,
    /// A well-formed API key.
    ApiKey(ApiKeyToken),
    /// A valid token, and what the cache holds about it.
    Token(Claims, CachedIdentity),
    /// The token could not be verified: its keys are unavailable.
    Unknown(Arc<anyhow::Error>),
}

/// The cached session and profile of a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct CachedIdentity {
    pub session: Option<LiveSession>,
    pub profile: Option<Arc<CachedProfile>>,
}

/// The credential as the request presents it, not yet verified.
pub(crate) enum PresentedCredential<'a> {
    Nothing,
    Invalid,
    /// A well-formed API key.
    ApiKey(ApiKeyToken),
    Token(&'a str),
}

impl<'a> PresentedCredential<'a> {
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
        if ApiKeyToken::has_prefix(text) {
            return ApiKeyToken::parse(text).map_or(Self::Invalid, Self::ApiKey);
        }
        if !headers.contains_key(header::AUTHORIZATION) {
            return Self::Invalid;
        }
        Self::Token(text)
    }

    /// Verifies the credential. The [`CachedIdentity`] of a token is empty.
    pub async fn verify(&self, state: &AppState) -> Credential {
        match self {
            Self::Nothing => Credential::None,
            Self::Invalid => Credential::Invalid,
            Self::ApiKey(key) => Credential::ApiKey(key.clone()),
            Self::Token(text) => match state.verifier.verify(text).await {
                Ok(Some(claims)) => Credential::Token(claims, CachedIdentity::default()),
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

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (claims, cached) = match parts.extensions.get::<Credential>() {
            Some(Credential::Token(claims, cached)) => (claims.clone(), cached.clone()),
            Some(Credential::Unknown(error)) => {
                return Err(Unavailable::new("secrets", anyhow::anyhow!("{error:#}")).into());
            }
            Some(Credential::None | Credential::Invalid | Credential::ApiKey(_)) | None => {
                return Err(UNAUTHENTICATED.into());
            }
        };
        let request = RequestInfo::from_request_parts(parts, state).await?;
        let (state, pending) = (AppState::from_ref(state), Pending::of(parts)?);
        let now = state.clock.now();
        let session = session::find(&state.db, &pending, claims.sid, cached.session, now).await?;
        let Some(session) = session.filter(|session| session.user_id == claims.sub) else {
            pending.judge(Verdict::Refused);
            return Err(UNAUTHENTICATED.into());
        };
        tracing::Span::current().record("user.id", tracing::field::display(claims.sub));
        Ok(Self {
            user: claims.sub,
            session: claims.sid,
            request,
            fresh: fresh::is_recent(session.authenticated_at, now),
            cached: cached.profile,
            db: state.db.clone(),
            pending,
        })
    }
}

/// For a public operation that does more for a user who is signed in. An invalid credential is refused.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Caller
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        match parts.extensions.get::<Credential>() {
            Some(Credential::None) | None => Ok(None),
            Some(_) => <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some),
        }
    }
}
