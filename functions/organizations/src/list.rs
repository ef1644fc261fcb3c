//! `GET /v1/organizations`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::page::{Page, PageQuery, Position},
    http::extract::List,
    store::{self, organizations::Organization},
};

use crate::organization::OrganizationView;

/// List the organizations that I belong to.
#[utoipa::path(
    get, path = "/v1/organizations", tag = "organizations", operation_id = "list_organizations",
    params(PageQuery), security(("bearer" = [])),
    responses((status = 200, description = "A page of my organizations.", body = Page<OrganizationView>)),
)]
pub async fn list(caller: Caller, List(page, _): List) -> Result<Json<Page<OrganizationView>>, ApiError> {
    let rows =
        caller.transaction(async |tx| Ok(store::organizations::list(tx, caller.user, &page).await?)).await?;
    let position = |row: &Organization| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, OrganizationView::from)))
}
