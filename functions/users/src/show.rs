//! `GET /v1/users/{userId}`

use shared::{
    ApiError,
    auth::{Actor, Administrator},
    domain::page::Data,
    http::extract::Path,
    store,
};

use crate::{
    refusals,
    user::{UserPath, UserResponse, UserView, respond},
};

/// Show a user, deleted or not.
#[utoipa::path(
    get, path = "/v1/users/{userId}", tag = "users", operation_id = "show_user", params(UserPath),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The user.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
    ),
)]
pub async fn show(
    administrator: Administrator,
    Path(path): Path<UserPath>,
) -> Result<UserResponse, ApiError> {
    let user = administrator.read(async |tx| Ok(store::users::find_any(tx, path.user_id).await?)).await?;
    Ok(respond(user.ok_or(refusals::NO_SUCH_USER)?))
}
