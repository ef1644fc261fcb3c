//! `DELETE /v1/users/{userId}`

use axum::{extract::State, http::StatusCode};
use shared::{
    ApiError, AppState, account,
    audit::{Action, Event},
    auth::{Administrator, session},
    etag::{IfMatch, STALE},
    extract::Path,
    http::RequestInfo,
    ids::UserId,
    store::{self, verification_tokens::Purpose},
};

use crate::{refusals, user::hold_living};

/// Delete a user's account.
///
/// It can be restored until it is erased.
#[utoipa::path(
    delete, path = "/v1/users/{userId}", tag = "users", operation_id = "delete_user",
    params(("userId" = UserId, Path, description = "The user's id."), IfMatch), security(("bearer" = [])),
    responses(
        (status = 204, description = "The account is deleted; all its sessions have ended."),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased`, `last-owner` or `own-account`"),
    ),
)]
pub async fn delete(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    let caller = &administrator.0;
    if id == caller.user {
        return Err(refusals::OWN_ACCOUNT.into());
    }
    let now = state.clock.now();
    let ended = state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            hold_living(tx, id).await?;
            if !store::users::delete(tx, id, version, None, now).await? {
                return Err(STALE.into());
            }
            let event =
                Event::new(Action::UserDeleted, caller.user, &request).through(caller.session).to(id.0);
            account::leave_organizations(tx, id, &event, now).await?;
            store::verification_tokens::withdraw(tx, id, Purpose::ALL, now).await?;
            let ended = store::sessions::revoke_all(tx, id, None, "user_deleted", now).await?;
            store::audit_events::insert(tx, &event, now).await?;
            Ok(ended)
        })
        .await?;
    session::forget(&state, &ended).await;
    Ok(StatusCode::NO_CONTENT)
}
