//! `GET /v1/auth/sessions`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::Caller,
    error::Problem,
    extract::Query,
    page::{Page, PageQuery},
    store,
};

use super::SessionView;
use crate::AuthState;

/// List my sessions that are alive.
#[utoipa::path(
    get, path = "/v1/auth/sessions", tag = "auth", operation_id = "list_sessions",
    params(PageQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page of my sessions.", body = Page<SessionView>),
        (status = 422, description = "`invalid-query`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(state): State<AuthState>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<SessionView>>, ApiError> {
    let now = state.app.clock.now();
    let rows = state
        .app
        .db
        .transaction(async |tx| {
            let (after, sort, rows) = (query.after(), query.sort(), query.rows());
            anyhow::Ok(store::sessions::list(tx, caller.user, after, sort, rows, now).await?)
        })
        .await?;
    Ok(Json(query.page(rows, |row| row.id.0, |row| SessionView::of(row, caller.session))))
}
