//! `POST /v1/users/{userId}/restore`

use shared::{
    ApiError, OnConstraint,
    auth::{Actor, Administrator, Fresh},
    domain::{audit::Action, page::Data},
    http::extract::Path,
    store,
};

use crate::{
    refusals,
    user::{UserPath, UserResponse, UserView, lock, respond},
};

/// Restore a suspended or deleted user.
///
/// The organizations that were deleted together with the user are restored too. Organizations that the user left must invite them again.
#[utoipa::path(
    post, path = "/v1/users/{userId}/restore", tag = "users", operation_id = "restore_user",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user can sign in.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `email-taken`"),
    ),
)]
pub async fn restore(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    let restored = administrator.transaction(async |tx| {
        let before = lock(tx, &administrator, id).await?;
        let user = store::users::restore(tx, id)
            .await
            .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
            .ok_or(refusals::NO_SUCH_USER)?;
        if let Some(deleted_at) = before.deleted_at {
            store::organizations::restore_owned(tx, id, deleted_at).await?;
        }
        administrator.audit(tx, Action::UserRestored, id).await?;
        Ok(user)
    });
    Ok(respond(restored.await?))
}
