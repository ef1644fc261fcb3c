//! Access to an organization. A handler that takes `Member<P>` gets the organization of the path and a caller with permission `P`
//! in it. Any other request is refused.

use std::marker::PhantomData;

use axum::{
    extract::{FromRef, FromRequestParts, RawPathParams},
    http::request::Parts,
};
use chrono::TimeDelta;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{
    Actor, Caller, SignedIn,
    caller::{Credential, UNAUTHENTICATED},
    pending::{Pending, Verdict},
};
use crate::{
    ApiError, AppState, Refusal,
    crypto::api_key::ApiKeyToken,
    db::{Db, Tx},
    domain::{
        actor::{Principal, RequestInfo},
        audit::{Action, Event},
        changes::ChangedFields,
        ids::OrganizationId,
        permission::{Permission, Role},
    },
    store::{self, api_keys::StoredKey, members::ActiveMember, organizations::Organization},
};

/// Returned for an organization that does not exist, and for one that the caller does not belong to.
pub const NO_SUCH_ORGANIZATION: Refusal = Refusal::not_found(
    "organization-not-found",
    "You do not belong to this organization, or it does not exist.",
);
/// Returned to a member whose role does not have the permission.
pub const ROLE_NEEDED: Refusal =
    Refusal::forbidden("role-needed", "Your role in this organization does not allow this.");
/// Returned to a member whose session was opened with one factor, if the organization requires two.
pub const SECOND_FACTOR_NEEDED: Refusal = Refusal::forbidden(
    "second-factor-needed",
    "This organization requires a second factor. Add one to your account, then sign in with it.",
);
const SCOPE_NEEDED: Refusal =
    Refusal::forbidden("scope-needed", "The scopes of this API key do not allow this.");
/// The use of an API key is recorded at most this often.
const LAST_USED_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// An organization member, or an API key, with permission `P`.
pub struct Member<P> {
    pub organization: Organization,
    pub principal: Principal,
    /// The role of the member; of an API key `Role::Member`.
    pub role: Role,
    pub request: RequestInfo,
    fresh: bool,
    db: Db,
    pending: Pending,
    permission: PhantomData<P>,
}

/// What a caller may do in an organization that is locked.
pub struct Authority {
    /// The highest role that the caller may give or take: their own; for an API key `Role::Member`, whatever its scopes.
    pub role: Role,
    /// Whether the caller's own address is verified. An API key counts as verified: only a user with a verified address creates one.
    pub has_verified_address: bool,
}

impl<P: Permission> Member<P> {
    /// Locks the organization until the transaction ends, checks the permission again, and returns what the caller may do.
    ///
    /// Every change of an organization takes this lock, so of two owners who demote each other the second is refused. The check is a
    /// statement of its own: the statement that waits for the lock sees the rows from before the wait.
    pub async fn lock(&self, tx: &mut Tx) -> Result<Authority, ApiError> {
        let organization = store::organizations::lock(tx, self.organization.id).await?;
        let organization = organization.ok_or(NO_SUCH_ORGANIZATION)?;
        if is_factor_missing(tx, self.principal, &organization).await? {
            return Err(SECOND_FACTOR_NEEDED.into());
        }
        self.check(tx).await
    }

    async fn check(&self, tx: &mut Tx) -> Result<Authority, ApiError> {
        match self.principal {
            Principal::User { id, .. } => {
                match store::members::find_active(tx, self.organization.id, id).await? {
                    Some(ActiveMember { role, has_verified_address }) if role >= P::ROLE => {
                        Ok(Authority { role, has_verified_address })
                    }
                    Some(_) => Err(ROLE_NEEDED.into()),
                    None => Err(NO_SUCH_ORGANIZATION.into()),
                }
            }
            Principal::ApiKey(id) => match store::api_keys::find_valid(tx, id).await? {
                Some(key) if key.allows::<P>() => {
                    Ok(Authority { role: Role::Member, has_verified_address: true })
                }
                Some(_) => Err(SCOPE_NEEDED.into()),
                None => Err(UNAUTHENTICATED.into()),
            },
        }
    }

    /// Records that the member did `action` to `target`.
    pub async fn audit(&self, tx: &mut Tx, action: Action, target: impl Into<Uuid>) -> Result<(), ApiError> {
        self.audit_changes(tx, action, target, &ChangedFields::default()).await
    }

    /// Records that the member did `action` to `target`, and what it changed.
    pub async fn audit_changes(
        &self,
        tx: &mut Tx,
        action: Action,
        target: impl Into<Uuid>,
        changes: &ChangedFields,
    ) -> Result<(), ApiError> {
        let event = Event::by(action, &self.principal, &self.request).within(self.organization.id);
        Ok(store::audit_events::insert(tx, &event.to(target.into()).with(changes)).await?)
    }
}

impl<P: Permission> Actor for Member<P> {
    fn name(&self) -> String {
        self.principal.name()
    }

    async fn transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, ApiError> + Clone,
    ) -> Result<T, ApiError> {
        let check = async |tx: &mut Tx| self.check(tx).await.map(drop);
        self.db.resume(self.pending.take_transaction(), check, work).await
    }
}

impl<P> SignedIn for Member<P> {
    fn is_fresh(&self) -> bool {
        self.fresh
    }
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for Member<P>
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (credential, fresh) = if let Some(Credential::ApiKey(key)) = parts.extensions.get() {
            (Presented::Key(key.clone()), false)
        } else {
            let caller = Caller::from_request_parts(parts, state).await?;
            (Presented::Session(caller.principal()), caller.is_fresh())
        };
        let request = RequestInfo::from_request_parts(parts, state).await?;
        let id = organization_id(parts, state).await;
        let (db, pending) = (AppState::from_ref(state).db.clone(), Pending::of(parts)?);
        let tx = pending.begin(&db).await?;
        let authorize = async |tx: &mut Tx| {
            let admitted = match &credential {
                Presented::Key(key) => authorize_key::<P>(tx, key, id, &pending).await?,
                Presented::Session(principal) => authorize_session::<P>(tx, *principal, id).await?,
            };
            if let Err(Denied { known: Some((principal, organization)), .. }) = &admitted {
                let event = Event::by(Action::AccessDenied, principal, &request).within(*organization);
                store::audit_events::insert(tx, &event.to(organization.0).denied()).await?;
            }
            Ok::<_, ApiError>(admitted)
        };
        let (tx, admitted) = db.step(tx, authorize).await?;
        match admitted {
            Ok((organization, principal, role)) => {
                pending.put_transaction(tx);
                Ok(Self {
                    organization,
                    principal,
                    role,
                    request,
                    fresh,
                    db,
                    pending,
                    permission: PhantomData,
                })
            }
            Err(denied) => {
                // Keeps the event.
                db.commit(tx).await?;
                Err(denied.refusal.into())
            }
        }
    }
}

enum Presented {
    Key(ApiKeyToken),
    Session(Principal),
}

/// A refusal. With the principal and the organization, if the event belongs in the organization's audit log.
struct Denied {
    refusal: Refusal,
    known: Option<(Principal, OrganizationId)>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, known: None }
    }
}

type Admitted = Result<(Organization, Principal, Role), Denied>;

async fn organization_id<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<OrganizationId> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let (_, id) = params.iter().find(|(name, _)| *name == "organizationId")?;
    Uuid::try_parse(id).ok().map(OrganizationId)
}

async fn authorize_session<P: Permission>(
    tx: &mut Tx,
    principal: Principal,
    id: Option<OrganizationId>,
) -> sqlx::Result<Admitted> {
    let (Some(id), Principal::User { id: user, .. }) = (id, principal) else {
        return Ok(Err(NO_SUCH_ORGANIZATION.into()));
    };
    let Some((organization, role)) = store::members::access(tx, id, user).await? else {
        return Ok(Err(NO_SUCH_ORGANIZATION.into()));
    };
    if role < P::ROLE {
        return Ok(Err(Denied { refusal: ROLE_NEEDED, known: Some((principal, id)) }));
    }
    if is_factor_missing(tx, principal, &organization).await? {
        return Ok(Err(Denied { refusal: SECOND_FACTOR_NEEDED, known: Some((principal, id)) }));
    }
    Ok(Ok((organization, principal, role)))
}

/// Checks whether the organization requires a second factor that the session has not shown. It requires none of API keys.
pub async fn is_factor_missing(
    tx: &mut Tx,
    principal: Principal,
    organization: &Organization,
) -> sqlx::Result<bool> {
    match principal {
        Principal::User { id, session } if organization.requires_second_factor(tx.now()) => {
            Ok(!store::sessions::has_second_factor(tx, id, session).await?)
        }
        _ => Ok(false),
    }
}

async fn authorize_key<P: Permission>(
    tx: &mut Tx,
    key: &ApiKeyToken,
    id: Option<OrganizationId>,
    pending: &Pending,
) -> sqlx::Result<Admitted> {
    let hash = key.hash();
    let matches = |stored: &StoredKey| -> bool {
        let previous = stored.previous_secret_hash.as_deref().unwrap_or_default();
        (stored.secret_hash.ct_eq(&hash) | previous.ct_eq(&hash)).into()
    };
    let Some(stored) = store::api_keys::find_valid(tx, key.id).await?.filter(matches) else {
        pending.judge(Verdict::Refused);
        return Ok(Err(UNAUTHENTICATED.into()));
    };
    let raised = stored.rate_limit.map_or(0, |limit| u32::try_from(limit).unwrap_or(0));
    pending.judge(Verdict::Verified { raised });
    if id != Some(stored.organization.id) {
        return Ok(Err(NO_SUCH_ORGANIZATION.into()));
    }
    if stored.last_used_at.is_none_or(|last| last <= tx.now() - LAST_USED_PRECISION) {
        pending.record_use(key.id);
    }
    let principal = Principal::ApiKey(key.id);
    if !stored.allows::<P>() {
        return Ok(Err(Denied { refusal: SCOPE_NEEDED, known: Some((principal, stored.organization.id)) }));
    }
    Ok(Ok((stored.organization, principal, Role::Member)))
}
