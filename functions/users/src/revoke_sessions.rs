//! `DELETE /v1/users/{userId}/sessions`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Administrator, Fresh},
    domain::audit::Action,
    http::extract::Path,
    store::{self, verification_tokens::Purpose},
};

use crate::user::{UserPath, lock};

/// End all sessions of a user.
#[utoipa::path(
    delete, path = "/v1/users/{userId}/sessions", tag = "users", operation_id = "revoke_user_sessions",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 204, description = "All sessions and their access tokens have ended."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased`"),
    ),
)]
pub async fn revoke_sessions(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<StatusCode, ApiError> {
    let id = path.user_id;
    administrator
        .transaction(async |tx| {
            lock(tx, &administrator, id).await?;
            store::verification_tokens::withdraw(tx, id, Purpose::ALL).await?;
            store::sessions::revoke_all(tx, id, None, "revoked_by_administrator").await?;
            administrator.audit(tx, Action::SessionRevoked, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
