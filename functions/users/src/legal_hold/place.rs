//! `POST /v1/users/{userId}/legal-hold`

use axum::extract::State;
use shared::{
    ApiError, AppState,
    auth::Administrator,
    extract::{Body, Path},
    http::RequestInfo,
    ids::UserId,
    page::Data,
};

use super::set;
use crate::{
    suspend::Because,
    user::{Shown, UserView, shown},
};

/// Forbid the erasure of a user, deleted or not.
#[utoipa::path(
    post, path = "/v1/users/{userId}/legal-hold", tag = "users", operation_id = "place_legal_hold",
    request_body = Because, params(("userId" = UserId, Path, description = "The user's id.")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Nothing of the user will be erased.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `own-account`"),
    ),
)]
pub async fn place(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
    Body(because): Body<Because>,
) -> Result<Shown, ApiError> {
    Ok(shown(set(&state, &administrator, &request, id, Some(because.reason.as_ref())).await?))
}
