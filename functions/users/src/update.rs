//! `PATCH /v1/users/{userId}`

use axum::extract::State;
use serde::Deserialize;
use shared::{
    ApiError, AppState,
    audit::{Action, Event},
    auth::Administrator,
    etag::{IfMatch, STALE},
    extract::{Body, Patch, Path},
    http::RequestInfo,
    ids::UserId,
    page::Data,
    store::{self, users::Changes},
    text::{ImageUrl, Name, Phone},
};
use utoipa::ToSchema;

use crate::{
    refusals,
    user::{Shown, UserView, hold_living, shown},
};

/// What to change: a member left out stays, `null` removes it (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UserChanges {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
    #[serde(default)]
    #[schema(value_type = Option<ImageUrl>)]
    image: Patch<ImageUrl>,
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Patch<Phone>,
    /// Not for oneself.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    system_administrator: Patch<bool>,
}

/// Change a user's profile, or make them an administrator of the system.
#[utoipa::path(
    patch, path = "/v1/users/{userId}", tag = "users", operation_id = "update_user",
    params(("userId" = UserId, Path, description = "The user's id."), IfMatch),
    request_body(content((UserChanges = "application/json"), (UserChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The user as they are now.", body = Data<UserView>),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased` or `own-account`"),
    ),
)]
pub async fn update(
    State(state): State<AppState>,
    administrator: Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
    IfMatch(version): IfMatch,
    Body(changes): Body<UserChanges>,
) -> Result<Shown, ApiError> {
    let caller = &administrator.0;
    let name = changes.name.kept("/name")?;
    let appoint = changes.system_administrator.kept("/systemAdministrator")?.copied();
    if appoint.is_some() && id == caller.user {
        return Err(refusals::OWN_ACCOUNT.into());
    }
    let new = Changes { name, image: &changes.image, phone: &changes.phone };
    let now = state.clock.now();
    let user = state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            administrator.hold(tx, id).await?;
            hold_living(tx, id).await?;
            let mut user = store::users::update(tx, id, &new, version, now).await?.ok_or(STALE)?;
            if let Some(is_one) = appoint {
                let appointed = store::users::set_system_administrator(tx, id, is_one, now).await?;
                user = appointed.ok_or(refusals::NO_SUCH_USER)?;
            }
            let action = match appoint {
                None => Action::UserUpdated,
                Some(true) => Action::UserAppointed,
                Some(false) => Action::UserDismissed,
            };
            let event = Event::new(action, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event.to(id.0), now).await?;
            Ok(user)
        })
        .await?;
    Ok(shown(user))
}
