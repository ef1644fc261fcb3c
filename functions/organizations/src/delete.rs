//! `DELETE /v1/organizations/{organizationId}`

use axum::extract::State;
use shared::{
    ApiError,
    auth::{Actor, Fresh, Member},
    domain::{audit::Action, page::Data, permission::DeleteOrganization},
    http::etag::{IfMatch, STALE},
    store,
};

use crate::{
    OrganizationsState, notices,
    organization::{OrganizationPath, OrganizationResponse, OrganizationView, respond},
    refusals,
};

/// Delete an organization.
///
/// Its members lose access, and its API keys and invitations are not valid any more. An owner can restore it for 30 days, until
/// `restorableUntil`; a mail tells all owners whose address is verified. Then it is purged: its rows are removed and its slug becomes
/// free.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "delete_organization",
    params(OrganizationPath, IfMatch), security(("bearer" = [])),
    responses(
        (status = 200, description = "The deleted organization, with `restorableUntil`.", body = Data<OrganizationView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 409, description = "`personal-organization`"),
    ),
)]
pub async fn delete(
    State(state): State<OrganizationsState>,
    Fresh(member): Fresh<Member<DeleteOrganization>>,
    IfMatch(versions): IfMatch,
) -> Result<OrganizationResponse, ApiError> {
    if member.organization.personal_to.is_some() {
        return Err(refusals::PERSONAL.into());
    }
    let id = member.organization.id;
    let deleted = member.transaction(async |tx| {
        member.lock(tx).await?;
        let organization = store::organizations::delete(tx, id, versions.as_deref()).await?.ok_or(STALE)?;
        member.audit(tx, Action::OrganizationDeleted, id).await?;
        Ok((organization, store::members::owner_addresses(tx, id).await?))
    });
    let (organization, owners) = deleted.await?;
    notices::organization_deleted(&state, &organization, owners).await;
    Ok(respond(organization))
}
