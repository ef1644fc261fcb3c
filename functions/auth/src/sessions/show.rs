//! `GET /v1/auth/sessions/{id}`

use axum::{Json, extract::State};
use shared::{ApiError, auth::Caller, extract::Path, ids::SessionId, page::Data, store};

use super::SessionView;
use crate::{AuthState, refusals};

/// Show one of my sessions that is alive.
#[utoipa::path(
    get, path = "/v1/auth/sessions/{id}", tag = "auth", operation_id = "show_session",
    params(("id" = SessionId, Path, description = "The session's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "The session.", body = Data<SessionView>),
        (status = 404, description = "`session-not-found`"),
    ),
)]
pub async fn show(
    State(state): State<AuthState>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<Json<Data<SessionView>>, ApiError> {
    let now = state.app.clock.now();
    let session = state
        .app
        .db
        .transaction(async |tx| anyhow::Ok(store::sessions::find(tx, caller.user, id, now).await?))
        .await?;
    let session = session.ok_or(refusals::NO_SUCH_SESSION)?;
    Ok(Json(Data { data: SessionView::of(session, caller.session) }))
}
