//! `DELETE /v1/users/{userId}/legal-hold`

use axum::extract::State;
use shared::{
    ApiError, AppState, auth::Administrator, extract::Path, http::RequestInfo, ids::UserId, page::Data,
};

use super::set;
use crate::user::{Shown, UserView, shown};

/// Allow the erasure of a user again.
#[utoipa::path(
    delete, path = "/v1/users/{userId}/legal-hold", tag = "users", operation_id = "lift_legal_hold",
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user may be erased.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `own-account`"),
    ),
)]
pub async fn lift(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
) -> Result<Shown, ApiError> {
    Ok(shown(set(&state, &administrator, &request, id, None).await?))
}
