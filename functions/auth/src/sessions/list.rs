//! `GET /v1/auth/sessions`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::page::{Page, PageQuery, Position},
    http::extract::List,
    store::{self, sessions::Session},
};

use super::SessionView;

/// List my active sessions.
#[utoipa::path(
    get, path = "/v1/auth/sessions", tag = "auth", operation_id = "list_sessions",
    params(PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of my sessions.", body = Page<SessionView>),
    ),
)]
pub async fn list(caller: Caller, List(page, _): List) -> Result<Json<Page<SessionView>>, ApiError> {
    let rows = caller.read(async |tx| Ok(store::sessions::list(tx, caller.user, &page).await?)).await?;
    let position = |row: &Session| Position { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, position, |row| SessionView::new(row, caller.session))))
}
