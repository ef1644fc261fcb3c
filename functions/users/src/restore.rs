//! `POST /v1/users/{userId}/restore`

use shared::{
    ApiError, OnConstraint,
    auth::{Actor, Administrator, Fresh},
    db::Tx,
    domain::{audit::Action, page::Data},
    http::{etag::IfMatch, extract::Path},
    store::{self, users::User},
};

use crate::{
    refusals,
    user::{UserPath, UserResponse, UserView, lock, respond},
};

/// Undo the deletion of a user. If the user is not deleted, lift the suspension.
///
/// Deletion, suspension and legal hold are independent: a user who was suspended before the deletion is still suspended after it is
/// undone, and a second call lifts the suspension. Send `If-Match` so that a repeated request does not. The organizations that were
/// deleted together with the user are restored too. Organizations that the user left must invite them again.
#[utoipa::path(
    post, path = "/v1/users/{userId}/restore", tag = "users", operation_id = "restore_user",
    params(UserPath, IfMatch), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user. If `suspendedAt` is null, the user can sign in.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `email-taken`"),
    ),
)]
pub async fn restore(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
) -> Result<UserResponse, ApiError> {
    let restored = administrator.transaction(async |tx| {
        let user = lock(tx, &administrator, path.user_id).await?;
        if_match.require(user.version)?;
        if user.deleted_at.is_some() {
            undelete(tx, &administrator, &user).await
        } else if user.suspended_at.is_some() {
            unsuspend(tx, &administrator, &user).await
        } else {
            Ok(user)
        }
    });
    Ok(respond(restored.await?))
}

/// Undoes the deletion, and that of the organizations that were deleted with the user.
async fn undelete(tx: &mut Tx, administrator: &Administrator, user: &User) -> Result<User, ApiError> {
    let restored = store::users::undelete(tx, user.id)
        .await
        .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
        .ok_or(refusals::NO_SUCH_USER)?;
    let changes = user.changed_states(&restored);
    administrator.audit_changes(tx, Action::UserRestored, user.id, &changes).await?;
    if let Some(deleted_at) = user.deleted_at {
        for organization in store::organizations::restore_owned(tx, user.id, deleted_at).await? {
            let event = administrator.caller.event(Action::OrganizationRestored).within(organization);
            store::audit_events::insert(tx, &event.to(organization.0)).await?;
        }
    }
    Ok(restored)
}

async fn unsuspend(tx: &mut Tx, administrator: &Administrator, user: &User) -> Result<User, ApiError> {
    let restored = store::users::unsuspend(tx, user.id).await?.ok_or(refusals::NO_SUCH_USER)?;
    let changes = user.changed_states(&restored);
    administrator.audit_changes(tx, Action::UserRestored, user.id, &changes).await?;
    Ok(restored)
}
