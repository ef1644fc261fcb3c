//! `DELETE /v1/users/{userId}/legal-hold`

use shared::{
    ApiError,
    auth::{Administrator, Fresh},
    domain::page::Data,
    http::extract::Path,
};

use super::set;
use crate::user::{UserPath, UserResponse, UserView};

/// Lift a legal hold: the user may be erased again.
#[utoipa::path(
    delete, path = "/v1/users/{userId}/legal-hold", tag = "users", operation_id = "lift_legal_hold",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user may be erased.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `own-account`"),
    ),
)]
pub async fn lift(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<UserResponse, ApiError> {
    set(&administrator, path.user_id, None).await
}
