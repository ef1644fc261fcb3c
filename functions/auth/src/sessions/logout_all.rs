//! `POST /v1/auth/logout-all`

use axum::{
    http::{StatusCode, header},
    response::IntoResponse,
};
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::audit::Action,
    store,
};

use super::cookie;

/// End all my sessions, including this one.
#[utoipa::path(
    post, path = "/v1/auth/logout-all", tag = "auth", operation_id = "logout_all", security(("bearer" = [])),
    responses(
        (status = 204, description = "All sessions and their access tokens have ended."),
    ),
)]
pub async fn logout_all(caller: Caller) -> Result<impl IntoResponse, ApiError> {
    caller
        .transaction(async |tx| {
            store::users::lock(tx, caller.user).await?;
            store::sessions::revoke_all(tx, caller.user, None, "logout_all").await?;
            caller.audit(tx, Action::SessionRevoked, caller.user).await
        })
        .await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear())]))
}
