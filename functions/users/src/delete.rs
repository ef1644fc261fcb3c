//! `DELETE /v1/users/{userId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    accounts::departure,
    auth::{Actor, Administrator, Fresh},
    domain::{audit::Action, changes::ChangedFields},
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store::{self, verification_tokens::Purpose},
};

use crate::user::{UserPath, lock_living, require_other};

/// Delete a user's account.
///
/// It can be restored until it is erased.
#[utoipa::path(
    delete, path = "/v1/users/{userId}", tag = "users", operation_id = "delete_user",
    params(UserPath, IfMatch), security(("bearer" = [])),
    responses(
        (status = 204, description = "The account is deleted; all its sessions have ended."),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased`, `last-owner` or `own-account`"),
    ),
)]
pub async fn delete(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let id = path.user_id;
    require_other(&administrator, id)?;
    administrator
        .transaction(async |tx| {
            lock_living(tx, &administrator, id).await?;
            if !store::users::delete(tx, id, versions.as_deref()).await? {
                return Err(STALE.into());
            }
            let event = administrator.caller.event(Action::UserDeleted).to(id.0);
            departure::leave_organizations(tx, id, &event).await?;
            store::verification_tokens::withdraw(tx, id, Purpose::ALL).await?;
            store::sessions::revoke_all(tx, id, None, "user_deleted").await?;
            let changes = ChangedFields::default().values("deleted", Some(false), Some(true));
            Ok(store::audit_events::insert(tx, &event.with(&changes)).await?)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
