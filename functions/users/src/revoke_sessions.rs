//! `DELETE /v1/users/{userId}/sessions`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, AppState,
    audit::{Action, Event},
    auth::{Administrator, session},
    extract::Path,
    http::RequestInfo,
    ids::UserId,
    store::{self, verification_tokens::Purpose},
};

use crate::user::hold;

/// Sign a user out everywhere.
#[utoipa::path(
    delete, path = "/v1/users/{userId}/sessions", tag = "users", operation_id = "revoke_user_sessions",
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 204, description = "All sessions have ended, and their access tokens with them."),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased`"),
    ),
)]
pub async fn revoke_sessions(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    let caller = &administrator.0;
    let now = state.clock.now();
    let ended = state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            hold(tx, id).await?;
            store::verification_tokens::withdraw(tx, id, Purpose::ALL, now).await?;
            let ended = store::sessions::revoke_all(tx, id, None, "revoked_by_administrator", now).await?;
            let event = Event::new(Action::SessionRevoked, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event.to(id.0), now).await?;
            Ok(ended)
        })
        .await?;
    session::forget(&state, &ended).await;
    Ok(StatusCode::NO_CONTENT)
}
