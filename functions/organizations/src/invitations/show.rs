//! `GET /v1/organizations/{organizationId}/invitations/{invitationId}`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Member, permission::ReadInvitations},
    etag::ETag,
    extract::Path,
    ids::{InvitationId, OrganizationId},
    page::Data,
    store,
};

use super::{InvitationPath, InvitationView};
use crate::{OrganizationsState, refusals};

/// Show an invitation.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/invitations/{invitationId}", tag = "organizations",
    operation_id = "show_invitation",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("invitationId" = InvitationId, Path, description = "The invitation's id."),
    ),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The invitation.", body = Data<InvitationView>),
        (status = 404, description = "`invitation-not-found`"),
    ),
)]
pub async fn show(
    State(state): State<OrganizationsState>,
    member: Member<ReadInvitations>,
    Path(target): Path<InvitationPath>,
) -> Result<(ETag, Json<Data<InvitationView>>), ApiError> {
    let organization = member.organization.id;
    let found = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::invitations::find(tx, organization, target.id).await?))
        .await?;
    let found = found.ok_or(refusals::NO_SUCH_INVITATION)?;
    Ok((ETag(found.version), Json(Data { data: InvitationView::of(found, state.app.clock.now()) })))
}
