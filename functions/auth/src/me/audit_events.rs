//! `GET /v1/auth/me/audit-events`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::{
        audit::{AuditEvent, OwnAuditFilter},
        page::{Page, PageQuery, Position},
    },
    http::extract::List,
    store,
};

/// Read the audit log about me.
///
/// Events that I caused, and events about my account. If another person caused an event, it does not say who, and from where. Neither
/// does a refused attempt to sign in: its sender did not prove to be me.
#[utoipa::path(
    get, path = "/v1/auth/me/audit-events", tag = "auth", operation_id = "list_my_audit_events",
    params(PageQuery, OwnAuditFilter), security(("bearer" = [])),
    responses((status = 200, description = "A page of the log.", body = Page<AuditEvent>)),
)]
pub async fn list(
    caller: Caller,
    List(page, filter): List<OwnAuditFilter>,
) -> Result<Json<Page<AuditEvent>>, ApiError> {
    let user = caller.user;
    let rows =
        caller.read(async |tx| Ok(store::audit_events::list_of(tx, user, &page, &filter).await?)).await?;
    let position = |row: &AuditEvent| Position { at: row.occurred_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, |row| row.shown_to(user))))
}
