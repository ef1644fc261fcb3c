//! `GET /v1/organizations`

use axum::Json;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::{
        page::{Page, PageQuery, Position},
        parse::or_default,
        personal_data::RESTORABLE_PERIOD,
    },
    http::extract::List,
    store::{self, organizations::Organization},
};
use utoipa::{IntoParams, ToSchema};

use crate::organization::OrganizationView;

/// The state of an organization.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OrganizationStatus {
    #[default]
    Active,
    /// Deleted, and an owner can still restore it.
    Deleted,
}

/// A filter of organizations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrganizationFilter {
    /// `active`, if left out: the organizations to which I belong. `deleted`: those that I own and can restore.
    #[serde(default, deserialize_with = "or_default")]
    #[param(inline)]
    status: OrganizationStatus,
}

/// List my organizations.
#[utoipa::path(
    get, path = "/v1/organizations", tag = "organizations", operation_id = "list_organizations",
    params(PageQuery, OrganizationFilter), security(("bearer" = [])),
    responses((status = 200, description = "A page of my organizations.", body = Page<OrganizationView>)),
)]
pub async fn list(
    caller: Caller,
    List(page, filter): List<OrganizationFilter>,
) -> Result<Json<Page<OrganizationView>>, ApiError> {
    let rows = caller.read(async |tx| match filter.status {
        OrganizationStatus::Active => Ok(store::organizations::list(tx, caller.user, &page).await?),
        OrganizationStatus::Deleted => {
            let since = tx.now() - RESTORABLE_PERIOD;
            Ok(store::organizations::list_deleted(tx, caller.user, &page, since).await?)
        }
    });
    let position = |row: &Organization| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows.await?, position, OrganizationView::from)))
}
