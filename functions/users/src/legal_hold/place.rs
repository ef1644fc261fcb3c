//! `POST /v1/users/{userId}/legal-hold`

use shared::{
    ApiError,
    auth::{Administrator, Fresh},
    domain::page::Data,
    http::extract::{Body, Path},
};

use super::set;
use crate::{
    suspend::Because,
    user::{UserPath, UserResponse, UserView},
};

/// Place a legal hold: the user, deleted or not, must not be erased.
#[utoipa::path(
    post, path = "/v1/users/{userId}/legal-hold", tag = "users", operation_id = "place_legal_hold",
    request_body = Because, params(UserPath),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "No data of the user will be erased.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `own-account`"),
    ),
)]
pub async fn place(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
    Body(because): Body<Because>,
) -> Result<UserResponse, ApiError> {
    set(&administrator, path.user_id, Some(because.reason.as_ref())).await
}
