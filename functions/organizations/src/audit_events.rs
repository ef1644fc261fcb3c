//! `GET /v1/organizations/{organizationId}/audit-events`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::Member,
    domain::{
        audit::{AuditEvent, AuditFilter},
        ids::OrganizationId,
        page::{Page, PageQuery, Place},
        permission::ReadAuditEvents,
    },
    http::extract::List,
    store,
};

use crate::OrganizationsState;

/// Read an organization's audit log.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/audit-events", tag = "organizations",
    operation_id = "list_organization_audit_events",
    params(("organizationId" = OrganizationId, Path, description = "The organization's id."), PageQuery, AuditFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the log.", body = Page<AuditEvent>)),
)]
pub async fn list(
    State(state): State<OrganizationsState>,
    member: Member<ReadAuditEvents>,
    List(page, filter): List<AuditFilter>,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let organization = Some(member.organization.id);
    let rows = state
        .app
        .db
        .transaction(async |tx| {
            anyhow::Ok(store::audit_events::list(tx, organization, &page, &filter).await?)
        })
        .await?;
    Ok(Json(page.page(rows, |row| Place { at: row.occurred_at, id: row.id.0 }, |row| row)))
}
