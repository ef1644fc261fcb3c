//! `GET /v1/organizations/{organizationId}/api-keys`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::Member,
    domain::{
        ids::OrganizationId,
        page::{Page, PageQuery, Place},
        permission::ManageApiKeys,
    },
    http::extract::List,
    store::{self, api_keys::ApiKey},
};

use super::ApiKeyView;
use crate::OrganizationsState;

/// List the API keys that are not revoked.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/api-keys", tag = "organizations", operation_id = "list_api_keys",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), PageQuery),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of the keys.", body = Page<ApiKeyView>)),
)]
pub async fn list(
    State(state): State<OrganizationsState>,
    member: Member<ManageApiKeys>,
    List(page, _): List,
) -> Result<Json<Page<ApiKeyView>>, ApiError> {
    let organization = member.organization.id;
    let rows = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::api_keys::list(tx, organization, &page).await?))
        .await?;
    let place = |row: &ApiKey| Place { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, place, ApiKeyView::from)))
}
