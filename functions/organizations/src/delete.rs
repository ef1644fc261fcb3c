//! `DELETE /v1/organizations/{organizationId}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    audit::Action,
    auth::{Member, permission::DeleteOrganization},
    etag::{IfMatch, STALE},
    http::RequestInfo,
    ids::OrganizationId,
    store,
};

use crate::{OrganizationsState, refusals};

/// Delete an organization.
///
/// Nobody can reach it any more, and its API keys and invitations are worth nothing. Its slug is not given to another one.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "delete_organization",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), IfMatch),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The organization is deleted."),
        (status = 409, description = "`personal-organization`"),
    ),
)]
pub async fn delete(
    State(state): State<OrganizationsState>,
    member: Member<DeleteOrganization>,
    request: RequestInfo,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    if member.organization.personal_to.is_some() {
        return Err(refusals::PERSONAL.into());
    }
    let now = state.app.clock.now();
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            member.hold(tx, now).await?;
            if !store::organizations::delete(tx, member.organization.id, version, now).await? {
                return Err(STALE.into());
            }
            store::audit_events::insert(tx, &member.event(Action::OrganizationDeleted, &request), now)
                .await?;
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
