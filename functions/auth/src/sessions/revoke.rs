//! `DELETE /v1/auth/sessions/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError,
    audit::{Action, Event},
    auth::{Caller, session},
    extract::Path,
    http::RequestInfo,
    ids::SessionId,
    store,
};

use crate::{AuthState, refusals};

/// End one of my sessions.
#[utoipa::path(
    delete, path = "/v1/auth/sessions/{id}", tag = "auth", operation_id = "revoke_session",
    params(("id" = SessionId, Path, description = "The session's id.")), security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended, and its access tokens with it."),
        (status = 404, description = "`session-not-found`"),
    ),
)]
pub async fn revoke(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    let now = state.app.clock.now();
    state
        .app
        .db
        .transaction(async |tx| -> Result<(), ApiError> {
            if !store::sessions::revoke(tx, caller.user, id, "revoked", now).await? {
                return Err(refusals::NO_SUCH_SESSION.into());
            }
            let event =
                Event::new(Action::SessionRevoked, caller.user, &request).through(caller.session).to(id.0);
            Ok(store::audit_events::insert(tx, &event, now).await?)
        })
        .await?;
    session::forget(&state.app, &[id]).await;
    Ok(StatusCode::NO_CONTENT)
}
