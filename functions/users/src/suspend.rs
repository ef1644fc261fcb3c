//! `POST /v1/users/{userId}/suspend`

use axum::extract::State;
use serde::Deserialize;
use shared::{
    ApiError, AppState,
    audit::{Action, Event},
    auth::{Administrator, session},
    extract::{Body, Path},
    http::RequestInfo,
    ids::UserId,
    page::Data,
    store::{self, verification_tokens::Purpose},
    text::Reason,
};
use utoipa::ToSchema;

use crate::{
    refusals,
    user::{Shown, UserView, hold_living, shown},
};

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    pub(crate) reason: Reason,
}

/// Shut a user out.
///
/// Ends all their sessions; they can neither sign in nor reset their password. To them it looks as if the password were wrong.
#[utoipa::path(
    post, path = "/v1/users/{userId}/suspend", tag = "users", operation_id = "suspend_user", request_body = Because,
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "The user is suspended.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased` or `own-account`"),
    ),
)]
pub async fn suspend(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
    Body(because): Body<Because>,
) -> Result<Shown, ApiError> {
    let caller = &administrator.0;
    if id == caller.user {
        return Err(refusals::OWN_ACCOUNT.into());
    }
    let now = state.clock.now();
    let (user, ended) = state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            hold_living(tx, id).await?;
            let user = store::users::suspend(tx, id, because.reason.as_ref(), now).await?;
            let user = user.ok_or(refusals::NO_SUCH_USER)?;
            store::verification_tokens::withdraw(tx, id, Purpose::ALL, now).await?;
            let ended = store::sessions::revoke_all(tx, id, None, "user_suspended", now).await?;
            let event = Event::new(Action::UserSuspended, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event.to(id.0), now).await?;
            Ok((user, ended))
        })
        .await?;
    session::forget(&state, &ended).await;
    Ok(shown(user))
}
