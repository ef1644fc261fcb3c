//! `GET /v1/organizations/{organizationId}/members/{memberId}`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Member, permission::ReadMembers},
    etag::ETag,
    extract::Path,
    ids::{OrganizationId, UserId},
    page::Data,
    store,
};

use super::{MemberPath, MemberView};
use crate::{OrganizationsState, refusals};

/// Show a member.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/members/{memberId}", tag = "organizations",
    operation_id = "show_member",
    params(
        ("organizationId" = OrganizationId, Path, description = "The organization's id."),
        ("memberId" = UserId, Path, description = "The member's id, which is the user's."),
    ),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The member.", body = Data<MemberView>),
        (status = 404, description = "`member-not-found`"),
    ),
)]
pub async fn show(
    State(state): State<OrganizationsState>,
    member: Member<ReadMembers>,
    Path(target): Path<MemberPath>,
) -> Result<(ETag, Json<Data<MemberView>>), ApiError> {
    let organization = member.organization.id;
    let found = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::members::find(tx, organization, target.id).await?))
        .await?;
    let found = found.ok_or(refusals::NO_SUCH_MEMBER)?;
    Ok((ETag(found.version), Json(Data { data: found.into() })))
}
