//! `GET /v1/organizations/{organizationId}/labels`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::{Page, PageQuery, Position},
        permission::ReadArtifacts,
    },
    http::extract::List,
    store::{self, labels::Label},
};

use super::LabelView;
use crate::organization::OrganizationPath;

/// List the labels.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/labels", tag = "artifacts", operation_id = "list_labels",
    params(OrganizationPath, PageQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the labels.", body = Page<LabelView>)),
)]
pub async fn list(
    member: Member<ReadArtifacts>,
    List(page, _): List,
) -> Result<Json<Page<LabelView>>, ApiError> {
    let organization = member.organization.id;
    let rows = member.read(async |tx| Ok(store::labels::list(tx, organization, &page).await?)).await?;
    let position = |row: &Label| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, LabelView::from)))
}
