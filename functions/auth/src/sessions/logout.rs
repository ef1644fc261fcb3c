//! `POST /v1/auth/logout`

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

/// End this session.
#[utoipa::path(
    post, path = "/v1/auth/logout", tag = "auth", operation_id = "logout", security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended, and its access tokens with it."),
    ),
)]
pub async fn logout(caller: Caller) -> Result<impl IntoResponse, ApiError> {
    caller
        .transaction(async |tx| {
            store::sessions::revoke(tx, caller.user, caller.session, "logout").await?;
            caller.audit(tx, Action::SessionRevoked, caller.session).await
        })
        .await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear())]))
}
