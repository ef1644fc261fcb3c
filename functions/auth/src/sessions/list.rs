//! `GET /v1/auth/sessions`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::Caller,
    domain::page::{Page, PageQuery, Place},
    http::extract::List,
    store::{self, sessions::Session},
};

use super::SessionView;
use crate::AuthState;

/// List my sessions that are alive.
#[utoipa::path(
    get, path = "/v1/auth/sessions", tag = "auth", operation_id = "list_sessions",
    params(PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of my sessions.", body = Page<SessionView>),
    ),
)]
pub async fn list(
    State(state): State<AuthState>,
    caller: Caller,
    List(page, _): List,
) -> Result<Json<Page<SessionView>>, ApiError> {
    let now = state.app.clock.now();
    let rows = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::sessions::list(tx, caller.user, &page, now).await?))
        .await?;
    let place = |row: &Session| Place { at: row.created_at, id: row.id.0 };
    Ok(Json(page.page(rows, place, |row| SessionView::of(row, caller.session))))
}
