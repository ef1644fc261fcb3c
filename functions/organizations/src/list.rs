//! `GET /v1/organizations`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::Caller,
    domain::page::{Page, PageQuery, Place},
    http::extract::List,
    store::{self, organizations::Organization},
};

use crate::{OrganizationsState, organization::OrganizationView};

/// List the organizations that I belong to.
#[utoipa::path(
    get, path = "/v1/organizations", tag = "organizations", operation_id = "list_organizations",
    params(PageQuery), security(("bearer" = [])),
    responses((status = 200, description = "A page of my organizations.", body = Page<OrganizationView>)),
)]
pub async fn list(
    State(state): State<OrganizationsState>,
    caller: Caller,
    List(page, _): List,
) -> Result<Json<Page<OrganizationView>>, ApiError> {
    let rows = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::organizations::list(tx, caller.user, &page).await?))
        .await?;
    let place = |row: &Organization| Place { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, place, OrganizationView::from)))
}
