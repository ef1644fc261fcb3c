//! The caller of a route of an organization. A handler that asks for `Member<P>` has the row of the organization in its path,
//! and a caller who may do `P` there, or the request was refused.

use std::marker::PhantomData;

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams},
    http::request::Parts,
};
use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{
    Caller,
    caller::{Credential, UNAUTHENTICATED},
};
use crate::{
    ApiError, AppState, Refusal,
    db::Tx,
    domain::{
        actor::{Principal, RequestInfo},
        audit::{Action, Event},
        ids::OrganizationId,
    },
    store::{self, api_keys::Secrets, organizations::Organization},
};
use crate::{
    crypto::api_key::ApiKeyToken,
    domain::permission::{Permission, Role},
};

/// Said of an organization that is not there, and of one the caller does not belong to.
pub const NO_SUCH_ORGANIZATION: Refusal =
    Refusal::not_found("organization-not-found", "You belong to no such organization.");
const ROLE_NEEDED: Refusal =
    Refusal::forbidden("role-needed", "Your role in this organization does not allow this.");
const SCOPE_NEEDED: Refusal =
    Refusal::forbidden("scope-needed", "The scopes of this API key do not allow this.");
/// A key's last use is written at most this often.
const LAST_USED_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// Someone who may do `P` in an organization.
pub struct Member<P> {
    /// Where.
    pub organization: Organization,
    /// Who.
    pub principal: Principal,
    permission: PhantomData<P>,
}

impl<P: Permission> Member<P> {
    /// Makes sure that the caller still may, before anything is changed, and gives the highest role that they may give or take.
    ///
    /// It is their own; for an API key, whatever its scopes, that of a plain member.
    ///
    /// Until the transaction ends nobody else changes anything in this organization, so of two owners who demote each
    /// other one comes too late.
    pub async fn hold(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<Role, ApiError> {
        let organization = self.organization.id;
        if !store::organizations::hold(tx, organization).await? {
            return Err(NO_SUCH_ORGANIZATION.into());
        }
        match &self.principal {
            Principal::User { id, .. } => match store::members::role(tx, organization, *id).await? {
                Some(role) if role >= P::ROLE => Ok(role),
                Some(_) => Err(ROLE_NEEDED.into()),
                None => Err(NO_SUCH_ORGANIZATION.into()),
            },
            Principal::ApiKey(id) => match store::api_keys::secrets(tx, *id, now).await? {
                Some(key) if allows::<P>(&key) => Ok(Role::Member),
                Some(_) => Err(SCOPE_NEEDED.into()),
                None => Err(UNAUTHENTICATED.into()),
            },
        }
    }

    /// An event of this organization, about the organization until told otherwise.
    #[must_use]
    pub fn event<'a>(&self, action: Action, request: &'a RequestInfo) -> Event<'a> {
        let organization = self.organization.id;
        Event::by(action, &self.principal, request).within(organization).to(organization.0)
    }
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for Member<P>
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let key = match parts.extensions.get::<Credential>() {
            Some(Credential::ApiKey(key)) => Some(key.clone()),
            _ => None,
        };
        let caller = match key {
            Some(_) => None,
            None => Some(Caller::from_request_parts(parts, state).await?),
        };
        let request = RequestInfo::from_request_parts(parts, state).await?;
        let id = organization_id(parts, state).await;
        let state = AppState::from_ref(state);
        let now = state.clock.now();
        // Ends well even if it is a refusal: the event stays.
        let admitted = state
            .db
            .transaction(async |tx| -> Result<_, ApiError> {
                let admitted = match (&key, caller) {
                    (Some(key), _) => by_key::<P>(tx, key, id, now).await?,
                    (None, Some(caller)) => by_session::<P>(tx, caller, id).await?,
                    (None, None) => return Err(UNAUTHENTICATED.into()),
                };
                if let Err(refused) = &admitted
                    && let Some((principal, organization)) = &refused.known
                {
                    let event = Event::by(Action::AccessDenied, principal, &request).within(*organization);
                    store::audit_events::insert(tx, &event.to(organization.0).denied(), now).await?;
                }
                Ok(admitted)
            })
            .await?;
        admitted.map_err(|refused| refused.refusal.into())
    }
}

/// Why someone was not admitted; with who it was and where, if that organization may learn of it.
struct NotAdmitted {
    refusal: Refusal,
    known: Option<(Principal, OrganizationId)>,
}

impl From<Refusal> for NotAdmitted {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, known: None }
    }
}

async fn organization_id<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<OrganizationId> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let (_, id) = params.iter().find(|(name, _)| *name == "organizationId")?;
    Uuid::try_parse(id).ok().map(OrganizationId)
}

async fn by_session<P: Permission>(
    tx: &mut Tx,
    caller: Caller,
    id: Option<OrganizationId>,
) -> sqlx::Result<Result<Member<P>, NotAdmitted>> {
    let Some(id) = id else { return Ok(Err(NO_SUCH_ORGANIZATION.into())) };
    let Some((organization, role)) = store::members::access(tx, id, caller.user).await? else {
        return Ok(Err(NO_SUCH_ORGANIZATION.into()));
    };
    let principal = Principal::User { id: caller.user, session: caller.session };
    if role < P::ROLE {
        return Ok(Err(NotAdmitted { refusal: ROLE_NEEDED, known: Some((principal, id)) }));
    }
    Ok(Ok(Member { organization, principal, permission: PhantomData }))
}

async fn by_key<P: Permission>(
    tx: &mut Tx,
    key: &ApiKeyToken,
    id: Option<OrganizationId>,
    now: DateTime<Utc>,
) -> sqlx::Result<Result<Member<P>, NotAdmitted>> {
    let Some(stored) = store::api_keys::secrets(tx, key.id, now).await? else {
        return Ok(Err(UNAUTHENTICATED.into()));
    };
    let hash = key.hash();
    let previous = stored.previous_secret_hash.as_deref().unwrap_or_default();
    if !bool::from(stored.secret_hash.ct_eq(&hash) | previous.ct_eq(&hash)) {
        return Ok(Err(UNAUTHENTICATED.into()));
    }
    let found = match id {
        Some(id) if id == stored.organization_id => store::organizations::find(tx, id).await?,
        _ => None,
    };
    let Some(organization) = found else { return Ok(Err(NO_SUCH_ORGANIZATION.into())) };
    store::api_keys::used(tx, key.id, now, now - LAST_USED_PRECISION).await?;
    let principal = Principal::ApiKey(key.id);
    if !allows::<P>(&stored) {
        return Ok(Err(NotAdmitted { refusal: SCOPE_NEEDED, known: Some((principal, organization.id)) }));
    }
    Ok(Ok(Member { organization, principal, permission: PhantomData }))
}

/// Whether one of the key's scopes is that of `P`.
fn allows<P: Permission>(key: &Secrets) -> bool {
    P::SCOPE.is_some_and(|scope| key.scopes.iter().any(|held| held == scope.word()))
}
