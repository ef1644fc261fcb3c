//! `GET /v1/organizations/{organizationId}/invitations/{invitationId}`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::ReadInvitations},
    http::{etag::ETag, extract::Path},
};

use super::{InvitationPath, InvitationView, find};
use crate::organization::OrganizationPath;

/// Show an invitation.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/invitations/{invitationId}", tag = "organizations",
    operation_id = "show_invitation", params(OrganizationPath, InvitationPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The invitation.", body = Data<InvitationView>),
        (status = 404, description = "`invitation-not-found`"),
    ),
)]
pub async fn show(
    member: Member<ReadInvitations>,
    Path(path): Path<InvitationPath>,
) -> Result<(ETag, Json<Data<InvitationView>>), ApiError> {
    let found = member.read(async |tx| Ok((find(tx, &member, path.invitation_id).await?, tx.now())));
    let (invitation, now) = found.await?;
    Ok((ETag(invitation.version), Json(Data { data: InvitationView::new(invitation, now) })))
}
