//! `GET /v1/organizations/{organizationId}/invitations`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::Member,
    domain::{
        ids::OrganizationId,
        page::{Page, PageQuery, Place},
        permission::ReadInvitations,
    },
    http::extract::List,
    store::{
        self,
        invitations::{Invitation, Status},
    },
};
use utoipa::IntoParams;

use super::InvitationView;
use crate::OrganizationsState;

/// Which invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationFilter {
    /// Only these.
    #[param(inline)]
    status: Option<Status>,
}

/// List the invitations.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/invitations", tag = "organizations",
    operation_id = "list_invitations",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), PageQuery, InvitationFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the invitations.", body = Page<InvitationView>)),
)]
pub async fn list(
    State(state): State<OrganizationsState>,
    member: Member<ReadInvitations>,
    List(page, filter): List<InvitationFilter>,
) -> Result<Json<Page<InvitationView>>, ApiError> {
    let (organization, now) = (member.organization.id, state.app.clock.now());
    let rows = state
        .app
        .db
        .transaction(async |tx| {
            anyhow::Ok(store::invitations::list(tx, organization, &page, filter.status, now).await?)
        })
        .await?;
    let place = |row: &Invitation| Place { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, place, |row| InvitationView::of(row, now))))
}
