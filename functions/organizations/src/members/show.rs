//! `GET /v1/organizations/{organizationId}/members/{memberId}`

use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::ReadMembers},
    http::extract::Path,
};

use super::{MemberPath, MemberResponse, MemberView, find, respond};
use crate::organization::OrganizationPath;

/// Show a member.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/members/{memberId}", tag = "organizations",
    operation_id = "show_member", params(OrganizationPath, MemberPath), security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The member.", body = Data<MemberView>),
        (status = 404, description = "`member-not-found`"),
    ),
)]
pub async fn show(
    member: Member<ReadMembers>,
    Path(path): Path<MemberPath>,
) -> Result<MemberResponse, ApiError> {
    let found = member.read(async |tx| find(tx, &member, path.member_id).await);
    Ok(respond(found.await?, member.role))
}
