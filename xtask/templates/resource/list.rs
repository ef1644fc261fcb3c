//! `GET /v1/organizations/{organizationId}/%kebabs%`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::{Page, PageQuery, Position},
        permission::Read%Pascals%,
    },
    http::extract::List,
    store::{self, %snakes%::%Pascal%},
};

use super::%Pascal%View;
use crate::organization::OrganizationPath;

/// List the %many words%.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/%kebabs%", tag = "organizations", operation_id = "list_%snakes%",
    params(OrganizationPath, PageQuery),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the %many words%.", body = Page<%Pascal%View>)),
)]
pub async fn list(
    member: Member<Read%Pascals%>,
    List(page, _): List,
) -> Result<Json<Page<%Pascal%View>>, ApiError> {
    let organization = member.organization.id;
    let rows = member.read(async |tx| Ok(store::%snakes%::list(tx, organization, &page).await?)).await?;
    let position = |row: &%Pascal%| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, %Pascal%View::from)))
}
