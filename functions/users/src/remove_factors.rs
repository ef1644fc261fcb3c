//! `DELETE /v1/users/{userId}/factors`

use axum::extract::State;
use shared::{
    ApiError,
    auth::{Actor, Administrator, Fresh},
    domain::{audit::Action, page::Data},
    http::extract::Path,
    mail::{letters, message},
    store,
};

use crate::{
    UsersState, refusals,
    user::{UserPath, UserResponse, UserView, lock_living, require_other, respond},
};

/// Remove the second factors of a user who has lost them.
///
/// Removes the authenticator app, the recovery codes and the passkeys, ends all sessions, and mails a notice to the user. First make sure that the person who
/// asks is the user: the password or the mailbox is then enough to sign in. Does nothing if there is no second factor.
#[utoipa::path(
    delete, path = "/v1/users/{userId}/factors", tag = "users", operation_id = "remove_user_factors",
    params(UserPath), security(("bearer" = [])),
    responses(
        (status = 200, description = "A sign-in needs no second factor.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased` or `own-account`"),
    ),
)]
pub async fn remove(
    State(state): State<UsersState>,
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    require_other(&administrator, id)?;
    let removed = administrator.transaction(async |tx| {
        let before = lock_living(tx, &administrator, id).await?;
        let had_passkeys = store::passkeys::remove_all(tx, id).await?;
        if before.second_factor_at.is_none() && !had_passkeys {
            return Ok((before, false));
        }
        let user = store::users::remove_second_factors(tx, id).await?.ok_or(refusals::NO_SUCH_USER)?;
        store::sessions::revoke_all(tx, id, None, "second_factor_removed").await?;
        administrator.audit(tx, Action::SecondFactorRemoved, id).await?;
        Ok((user, true))
    });
    let (user, removed) = removed.await?;
    if removed {
        message::send(&*state.mailer, &user.mailbox(), letters::factors_removed()).await;
    }
    Ok(respond(user))
}
