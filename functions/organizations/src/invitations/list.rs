//! `GET /v1/organizations/{organizationId}/invitations`

use axum::Json;
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        page::{Page, PageQuery, Position},
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
use crate::organization::OrganizationPath;

/// A filter of invitations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationFilter {
    /// Only invitations with this status.
    #[param(inline)]
    status: Option<Status>,
}

/// List the invitations.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/invitations", tag = "organizations",
    operation_id = "list_invitations",
    params(OrganizationPath, PageQuery, InvitationFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the invitations.", body = Page<InvitationView>)),
)]
pub async fn list(
    member: Member<ReadInvitations>,
    List(page, filter): List<InvitationFilter>,
) -> Result<Json<Page<InvitationView>>, ApiError> {
    let organization = member.organization.id;
    let found = member.read(async |tx| {
        let rows = store::invitations::list(tx, organization, &page, filter.status).await?;
        Ok((rows, tx.now()))
    });
    let (rows, now) = found.await?;
    let position = |row: &Invitation| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, |row| InvitationView::new(row, now))))
}
