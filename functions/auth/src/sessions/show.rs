//! `GET /v1/auth/sessions/{id}`

use axum::Json;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::page::Data,
    http::extract::Path,
    store,
};

use super::{SessionPath, SessionView};
use crate::refusals;

/// Show one of my active sessions.
#[utoipa::path(
    get, path = "/v1/auth/sessions/{id}", tag = "auth", operation_id = "show_session",
    params(SessionPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The session.", body = Data<SessionView>),
        (status = 404, description = "`session-not-found`"),
    ),
)]
pub async fn show(
    caller: Caller,
    Path(path): Path<SessionPath>,
) -> Result<Json<Data<SessionView>>, ApiError> {
    let session = caller.read(async |tx| Ok(store::sessions::find(tx, caller.user, path.id).await?)).await?;
    let session = session.ok_or(refusals::NO_SUCH_SESSION)?;
    Ok(Json(Data { data: SessionView::new(session, caller.session) }))
}
