//! `DELETE /v1/users/{userId}/mail-suppression`

use shared::{
    ApiError,
    auth::{Actor, Administrator, Fresh},
    domain::{audit::Action, page::Data},
    http::extract::Path,
    store,
};

use crate::{
    refusals,
    user::{UserPath, UserResponse, UserView, lock_living, respond},
};

/// Let mail be sent to a user's address again.
///
/// For an address that works again after a bounce, or whose owner asks for mail after a complaint. A new bounce or complaint stops mail
/// again. Does nothing if mail is sent.
#[utoipa::path(
    delete, path = "/v1/users/{userId}/mail-suppression", tag = "users", operation_id = "lift_mail_suppression",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "Mail is sent to the user.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted` or `user-erased`"),
    ),
)]
pub async fn lift(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    let lifted = administrator.transaction(async |tx| {
        let user = lock_living(tx, &administrator, id).await?;
        if !store::mail_suppressions::lift(tx, &user.email, None).await? {
            return Ok(user);
        }
        administrator.audit(tx, Action::MailResumed, id).await?;
        Ok(store::users::touch(tx, id).await?.ok_or(refusals::NO_SUCH_USER)?)
    });
    Ok(respond(lifted.await?))
}
