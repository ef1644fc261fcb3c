//! `PATCH /v1/users/{userId}`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Administrator, Fresh},
    domain::{
        audit::Action,
        input::{ImageUrl, Name, Phone},
        page::Data,
        patch::Patch,
    },
    http::{
        etag::{IfMatch, STALE},
        extract::{Body, Path},
    },
    store::{self, users::Changes},
};
use utoipa::ToSchema;

use crate::{
    refusals,
    user::{UserPath, UserResponse, UserView, lock_living, require_other, respond},
};

/// Changes of a user. An absent member does not change, `null` removes the value (RFC 7396).
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
    /// Whether the user is a system administrator. You cannot change it for yourself.
    #[serde(default)]
    #[schema(value_type = Option<bool>, nullable = false)]
    system_administrator: Patch<bool>,
}

/// Change a user's profile, or appoint or dismiss a system administrator.
#[utoipa::path(
    patch, path = "/v1/users/{userId}", tag = "users", operation_id = "update_user",
    params(UserPath, IfMatch),
    request_body(content((UserChanges = "application/json"), (UserChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The changed user.", body = Data<UserView>),
        (status = 401, description = "`fresh-sign-in-needed`"),
        (status = 404, description = "`user-not-found`"),
        (status = 409, description = "`user-deleted`, `user-erased` or `own-account`"),
    ),
)]
pub async fn update(
    Fresh(administrator): Fresh<Administrator>,
    Path(path): Path<UserPath>,
    IfMatch(versions): IfMatch,
    Body(changes): Body<UserChanges>,
) -> Result<UserResponse, ApiError> {
    let id = path.user_id;
    let name = changes.name.kept("/name")?;
    let appoint = changes.system_administrator.kept("/systemAdministrator")?.copied();
    if appoint.is_some() {
        require_other(&administrator, id)?;
    }
    let new = Changes { name, image: &changes.image, phone: &changes.phone };
    let updated = administrator.transaction(async |tx| {
        let before = lock_living(tx, &administrator, id).await?;
        let user = store::users::update(tx, id, &new, versions.as_deref()).await?.ok_or(STALE)?;
        let Some(appoint) = appoint else {
            administrator.audit_changes(tx, Action::UserUpdated, id, &new.names()).await?;
            return Ok(user);
        };
        let user = store::users::set_system_administrator(tx, id, appoint).await?;
        let user = user.ok_or(refusals::NO_SUCH_USER)?;
        let action = if appoint { Action::UserAppointed } else { Action::UserDismissed };
        let changes = new.names().and(before.changed_states(&user));
        administrator.audit_changes(tx, action, id, &changes).await?;
        Ok(user)
    });
    Ok(respond(updated.await?))
}
