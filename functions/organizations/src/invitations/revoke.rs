//! `DELETE /v1/organizations/{organizationId}/invitations/{invitationId}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    audit::Action,
    auth::{Member, permission::ManageInvitations},
    etag::{IfMatch, STALE},
    extract::Path,
    http::RequestInfo,
    ids::{InvitationId, OrganizationId},
    store::{self, invitations::Status},
};

use super::InvitationPath;
use crate::{OrganizationsState, refusals};

/// Take an invitation back.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/invitations/{invitationId}", tag = "organizations",
    operation_id = "revoke_invitation",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("invitationId" = InvitationId, Path, description = "The invitation's id."),
        IfMatch,
    ),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "It can no longer be accepted."),
        (status = 403, description = "`role-above-own`"),
        (status = 404, description = "`invitation-not-found`"),
        (status = 409, description = "`invitation-ended`"),
    ),
)]
pub async fn revoke(
    State(state): State<OrganizationsState>,
    member: Member<ManageInvitations>,
    request: RequestInfo,
    Path(target): Path<InvitationPath>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, now) = (member.organization.id, state.app.clock.now());
    state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let own = member.hold(tx, now).await?;
            let found = store::invitations::find(tx, organization, target.id).await?;
            let found = found.ok_or(refusals::NO_SUCH_INVITATION)?;
            if found.role > own {
                return Err(refusals::ROLE_ABOVE_OWN.into());
            }
            if version.is_some_and(|version| version != found.version) {
                return Err(STALE.into());
            }
            let ended =
                store::invitations::end(tx, organization, target.id, Status::Revoked, None, now).await?;
            if ended.is_none() {
                return Err(refusals::ALREADY_ANSWERED.into());
            }
            let event = member.event(Action::InvitationRevoked, &request).to(target.id.0);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
