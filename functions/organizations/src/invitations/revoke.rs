//! `DELETE /v1/organizations/{organizationId}/invitations/{invitationId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{audit::Action, permission::ManageInvitations},
    http::{etag::IfMatch, extract::Path},
    store::{self, invitations::Status},
};

use super::{InvitationPath, find};
use crate::{checks::require_role_up_to, organization::OrganizationPath, refusals};

/// Revoke an invitation.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/invitations/{invitationId}", tag = "organizations",
    operation_id = "revoke_invitation",
    params(OrganizationPath, InvitationPath, IfMatch),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "It can no longer be accepted."),
        (status = 403, description = "`role-above-own`"),
        (status = 404, description = "`invitation-not-found`"),
        (status = 409, description = "`invitation-ended`"),
    ),
)]
pub async fn revoke(
    member: Member<ManageInvitations>,
    Path(path): Path<InvitationPath>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.invitation_id);
    member
        .transaction(async |tx| {
            let own = member.lock(tx).await?;
            let invitation = find(tx, &member, id).await?;
            require_role_up_to(own.role, invitation.role)?;
            if_match.require(invitation.version)?;
            let ended = store::invitations::end(tx, organization, id, Status::Revoked).await?;
            ended.ok_or(refusals::ALREADY_ANSWERED)?;
            member.audit(tx, Action::InvitationRevoked, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
