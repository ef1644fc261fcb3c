//! `GET /v1/organizations/{organizationId}/members`

use axum::Json;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member, member::ROLE_NEEDED},
    domain::{
        page::{Page, PageQuery, Position},
        permission::{ReadMembers, Role},
    },
    http::extract::List,
    store::{self, members},
};
use utoipa::IntoParams;

use super::MemberView;
use crate::organization::OrganizationPath;

/// A filter of members.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct MemberFilter {
    /// Only members with this role.
    #[param(inline)]
    role: Option<Role>,
    /// Only members with a second factor, or only those without one. For admins and owners.
    second_factor: Option<bool>,
}

/// List the members, in the order in which they joined.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/members", tag = "organizations", operation_id = "list_members",
    params(OrganizationPath, PageQuery, MemberFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the members.", body = Page<MemberView>)),
)]
pub async fn list(
    member: Member<ReadMembers>,
    List(page, filter): List<MemberFilter>,
) -> Result<Json<Page<MemberView>>, ApiError> {
    let (organization, own) = (member.organization.id, member.role);
    if filter.second_factor.is_some() && own < Role::Admin {
        return Err(ROLE_NEEDED.into());
    }
    let MemberFilter { role, second_factor } = filter;
    let rows =
        member.read(async |tx| Ok(store::members::list(tx, organization, &page, role, second_factor).await?));
    let rows = rows.await?;
    let position = |row: &members::Member| Position { at: row.created_at, id: row.user_id.0 };
    Ok(Json(page.page(rows, position, |row| MemberView::new(row, own))))
}
