//! `POST /v1/users/{userId}/restore`

use axum::extract::State;
use shared::{
    ApiError, AppState, OnConstraint,
    audit::{Action, Event},
    auth::Administrator,
    extract::Path,
    http::RequestInfo,
    ids::UserId,
    page::Data,
    store,
};

use crate::{
    refusals,
    user::{Shown, UserView, hold, shown},
};

/// Let a suspended user in again, or bring a deleted one back.
///
/// With a deleted user come back the organizations that were deleted with them; those that they left they must be invited to again.
#[utoipa::path(
    post, path = "/v1/users/{userId}/restore", tag = "users", operation_id = "restore_user",
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user can sign in.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-erased` or `email-taken`"),
    ),
)]
pub async fn restore(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
) -> Result<Shown, ApiError> {
    let caller = &administrator.0;
    let now = state.clock.now();
    let user = state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            let before = hold(tx, id).await?;
            let user = store::users::restore(tx, id, now)
                .await
                .on_constraint("users_email_key", refusals::EMAIL_TAKEN)?
                .ok_or(refusals::NO_SUCH_USER)?;
            if let Some(deleted_at) = before.deleted_at {
                store::organizations::restore_owned(tx, id, deleted_at, now).await?;
            }
            let event = Event::new(Action::UserRestored, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event.to(id.0), now).await?;
            Ok(user)
        })
        .await?;
    Ok(shown(user))
}
