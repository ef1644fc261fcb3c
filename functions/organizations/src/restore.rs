//! `POST /v1/organizations/{organizationId}/restore`

use serde::Deserialize;
use shared::{
    ApiError, Refusal,
    auth::{
        Actor, Caller, Fresh,
        caller::UNAUTHENTICATED,
        member::{NO_SUCH_ORGANIZATION, ROLE_NEEDED, SECOND_FACTOR_NEEDED, is_factor_missing},
    },
    db::Tx,
    domain::{
        audit::Action,
        ids::OrganizationId,
        page::Data,
        permission::{DeleteOrganization, Permission},
    },
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store::{self, organizations::Organization},
};
use utoipa::IntoParams;

use crate::{
    organization::{OrganizationResponse, OrganizationView, respond},
    refusals,
};

/// The path of an organization that may be deleted.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct RestorePath {
    /// The organization's id.
    organization_id: OrganizationId,
}

/// Restore a deleted organization.
///
/// Only an owner can, after a recent sign-in, until `restorableUntil`. Members, API keys and invitations are as they were; what has
/// expired since then stays expired.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/restore", tag = "organizations", operation_id = "restore_organization",
    params(RestorePath, IfMatch), security(("bearer" = [])),
    responses(
        (status = 200, description = "The restored organization.", body = Data<OrganizationView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 403, description = "`second-factor-needed`"),
        (status = 409, description = "`organization-not-deleted`"),
    ),
)]
pub async fn restore(
    Fresh(caller): Fresh<Caller>,
    Path(path): Path<RestorePath>,
    IfMatch(versions): IfMatch,
) -> Result<OrganizationResponse, ApiError> {
    let id = path.organization_id;
    let restored = caller.transaction(async |tx| {
        if let Err(refusal) = lock(tx, &caller, id).await? {
            if refusal.code == ROLE_NEEDED.code {
                let event = caller.event(Action::AccessDenied).within(id).to(id.0).denied();
                store::audit_events::insert(tx, &event).await?;
            }
            // Commits the event.
            return Ok(Err(refusal));
        }
        let organization = store::organizations::restore(tx, id, versions.as_deref()).await?.ok_or(STALE)?;
        let event = caller.event(Action::OrganizationRestored).within(id).to(id.0);
        store::audit_events::insert(tx, &event).await?;
        Ok(Ok(organization))
    });
    Ok(respond(restored.await??))
}

/// Locks the caller and the organization, and checks that the caller may restore it now.
///
/// The user before the organization, like the deletion of an account: a user who is being deleted cannot become the only owner of an
/// organization.
async fn lock(
    tx: &mut Tx,
    caller: &Caller,
    id: OrganizationId,
) -> Result<Result<Organization, Refusal>, ApiError> {
    store::users::lock(tx, caller.user)
        .await?
        .filter(|user| user.deleted_at.is_none() && user.suspended_at.is_none())
        .ok_or(UNAUTHENTICATED)?;
    let Some(organization) = store::organizations::lock_any(tx, id).await? else {
        return Ok(Err(NO_SUCH_ORGANIZATION));
    };
    let now = tx.now();
    Ok(match store::members::find_active(tx, id, caller.user).await? {
        None => Err(NO_SUCH_ORGANIZATION),
        Some(member) if member.role < DeleteOrganization::ROLE => Err(ROLE_NEEDED),
        Some(_) if is_factor_missing(tx, caller.principal(), &organization).await? => {
            Err(SECOND_FACTOR_NEEDED)
        }
        Some(_) => match organization.restorable_until() {
            None => Err(refusals::NOT_DELETED),
            Some(until) if until <= now => Err(NO_SUCH_ORGANIZATION),
            Some(_) => Ok(organization),
        },
    })
}
