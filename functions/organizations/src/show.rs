//! `GET /v1/organizations/{organizationId}`

use axum::Json;
use shared::{
    auth::Member,
    domain::{ids::OrganizationId, page::Data, permission::ReadOrganization},
    http::etag::ETag,
};

use crate::organization::OrganizationView;

/// Show an organization.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "show_organization",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id.")),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The organization.", body = Data<OrganizationView>)),
)]
pub async fn show(member: Member<ReadOrganization>) -> (ETag, Json<Data<OrganizationView>>) {
    (ETag(member.organization.version), Json(Data { data: member.organization.into() }))
}
