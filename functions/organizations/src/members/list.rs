//! `GET /v1/organizations/{organizationId}/members`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    domain::{
        ids::OrganizationId,
        page::{Page, PageQuery, Place},
        permission::{ReadMembers, Role},
    },
    http::extract::List,
    store::{self, members},
};
use utoipa::IntoParams;

use super::MemberView;
use crate::OrganizationsState;

/// Which members.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MemberFilter {
    /// Only these.
    #[param(inline)]
    role: Option<Role>,
}

/// List the members, by when they joined.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/members", tag = "organizations", operation_id = "list_members",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), PageQuery, MemberFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the members.", body = Page<MemberView>)),
)]
pub async fn list(
    State(state): State<OrganizationsState>,
    member: Member<ReadMembers>,
    List(page, filter): List<MemberFilter>,
) -> Result<Json<Page<MemberView>>, ApiError> {
    let organization = member.organization.id;
    let rows = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::members::list(tx, organization, &page, filter.role).await?))
        .await?;
    let place = |row: &members::Member| Place { at: row.created_at, id: row.user_id.0 };
    Ok(Json(page.page(rows, place, MemberView::from)))
}
