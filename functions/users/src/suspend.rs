//! `POST /v1/users/{userId}/suspend`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Administrator, Fresh},
    domain::{audit::Action, input::Reason, page::Data},
    http::extract::{Body, Path},
    store::{self, verification_tokens::Purpose},
};
use utoipa::ToSchema;

use crate::{
    refusals,
    user::{UserPath, UserResponse, UserView, lock_living, require_other, respond},
};

/// The reason for the change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    pub(crate) reason: Reason,
}

/// Suspend a user.
///
/// Ends all sessions of the user, who can then neither sign in nor reset the password. The responses are those for a wrong password.
#[utoipa::path(
    post, path = "/v1/users/{userId}/suspend", tag = "users", operation_id = "suspend_user", request_body = Because,
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user is suspended.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased` or `own-account`"),
    ),
)]
pub async fn suspend(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
    Body(because): Body<Because>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    require_other(&administrator, id)?;
    let suspended = administrator.transaction(async |tx| {
        let before = lock_living(tx, &administrator, id).await?;
        let user = store::users::suspend(tx, id, because.reason.as_ref()).await?;
        let user = user.ok_or(refusals::NO_SUCH_USER)?;
        store::verification_tokens::withdraw(tx, id, Purpose::ALL).await?;
        store::sessions::revoke_all(tx, id, None, "user_suspended").await?;
        let changes = before.changed_states(&user);
        administrator.audit_changes(tx, Action::UserSuspended, id, &changes).await?;
        Ok(user)
    });
    Ok(respond(suspended.await?))
}
