//! `DELETE /v1/auth/sessions/{id}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::audit::Action,
    http::extract::Path,
    store,
};

use super::SessionPath;
use crate::refusals;

/// End one of my sessions.
#[utoipa::path(
    delete, path = "/v1/auth/sessions/{id}", tag = "auth", operation_id = "revoke_session",
    params(SessionPath), security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended, and its access tokens with it."),
        (status = 404, description = "`session-not-found`"),
    ),
)]
pub async fn revoke(caller: Caller, Path(path): Path<SessionPath>) -> Result<StatusCode, ApiError> {
    caller
        .transaction(async |tx| {
            if !store::sessions::revoke(tx, caller.user, path.id, "revoked").await? {
                return Err(refusals::NO_SUCH_SESSION.into());
            }
            caller.audit(tx, Action::SessionRevoked, path.id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
