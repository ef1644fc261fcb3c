//! `GET /v1/organizations/{organizationId}/audit-events`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{
        audit::{AuditEvent, AuditFilter},
        page::{Page, PageQuery, Position},
        permission::ReadAuditEvents,
    },
    http::extract::List,
    store,
};

use crate::organization::OrganizationPath;

/// Read an organization's audit log.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/audit-events", tag = "organizations",
    operation_id = "list_organization_audit_events", params(OrganizationPath, PageQuery, AuditFilter),
    security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "A page of the log.", body = Page<AuditEvent>)),
)]
pub async fn list(
    member: Member<ReadAuditEvents>,
    List(page, filter): List<AuditFilter>,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let organization = Some(member.organization.id);
    let rows = member
        .read(async |tx| Ok(store::audit_events::list(tx, organization, &page, &filter).await?))
        .await?;
    Ok(Json(page.page(rows, |row| Position { at: row.occurred_at, id: row.id.0 }, |row| row)))
}
