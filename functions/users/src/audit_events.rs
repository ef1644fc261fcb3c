//! `GET /v1/audit-events`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Administrator},
    domain::{
        audit::{AuditEvent, AuditFilter},
        page::{Page, PageQuery, Position},
    },
    http::extract::List,
    store,
};

/// Read the whole audit log.
#[utoipa::path(
    get, path = "/v1/audit-events", tag = "users", operation_id = "list_audit_events",
    params(PageQuery, AuditFilter), security(("bearer" = [])),
    responses((status = 200, description = "A page of the log.", body = Page<AuditEvent>)),
)]
pub async fn list(
    administrator: Administrator,
    List(page, filter): List<AuditFilter>,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let rows =
        administrator.read(async |tx| Ok(store::audit_events::list(tx, None, &page, &filter).await?)).await?;
    Ok(Json(page.page(rows, |row| Position { at: row.occurred_at, id: row.id.0 }, |row| row)))
}
