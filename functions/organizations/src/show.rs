//! `GET /v1/organizations/{organizationId}`

use shared::{
    auth::Member,
    domain::{page::Data, permission::ReadOrganization},
};

use crate::organization::{OrganizationPath, OrganizationResponse, OrganizationView, respond};

/// Show an organization.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}", tag = "organizations", operation_id = "show_organization",
    params(OrganizationPath), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The organization.", body = Data<OrganizationView>)),
)]
pub async fn show(member: Member<ReadOrganization>) -> OrganizationResponse {
    respond(member.organization)
}
