//! `GET /v1/organizations/{organizationId}/api-keys`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::{Page, PageQuery, Position},
        permission::ManageApiKeys,
    },
    http::extract::List,
    store::{self, api_keys::ApiKey},
};

use super::ApiKeyView;
use crate::organization::OrganizationPath;

/// List the API keys that are not revoked.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/api-keys", tag = "organizations", operation_id = "list_api_keys",
    params(OrganizationPath, PageQuery),
    security(("bearer" = [])),
    responses((status = 200, description = "A page of the keys.", body = Page<ApiKeyView>)),
)]
pub async fn list(
    member: Member<ManageApiKeys>,
    List(page, _): List,
) -> Result<Json<Page<ApiKeyView>>, ApiError> {
    let organization = member.organization.id;
    let rows = member.read(async |tx| Ok(store::api_keys::list(tx, organization, &page).await?)).await?;
    let position = |row: &ApiKey| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, ApiKeyView::from)))
}
