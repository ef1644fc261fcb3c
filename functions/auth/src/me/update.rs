//! `PATCH /v1/auth/me`

use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::{
        audit::Action,
        input::{ImageUrl, Name, Phone},
        page::Data,
        patch::Patch,
    },
    http::{etag::IfMatch, extract::Body},
    store::{self, users::Changes},
};
use utoipa::ToSchema;

use super::{Profile, ProfileResponse, not_matched, respond};

/// Changes of the profile. An absent member does not change, `null` removes the value (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChanges {
    #[serde(default)]
    #[schema(value_type = Option<Name>, nullable = false)]
    name: Patch<Name>,
    #[serde(default)]
    #[schema(value_type = Option<ImageUrl>)]
    image: Patch<ImageUrl>,
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Patch<Phone>,
}

/// Change my profile.
#[utoipa::path(
    patch, path = "/v1/auth/me", tag = "auth", operation_id = "update_me",
    params(IfMatch),
    request_body(content((ProfileChanges = "application/json"), (ProfileChanges = "application/merge-patch+json"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The changed profile.", body = Data<Profile>),
    ),
)]
pub async fn update(
    caller: Caller,
    IfMatch(versions): IfMatch,
    Body(changes): Body<ProfileChanges>,
) -> Result<ProfileResponse, ApiError> {
    let name = changes.name.kept("/name")?;
    let changes = Changes { name, image: &changes.image, phone: &changes.phone };
    let updated = caller.transaction(async |tx| {
        let user = store::users::update(tx, caller.user, &changes, versions.as_deref()).await?;
        let user = user.ok_or_else(|| not_matched(versions.as_deref()))?;
        caller.audit_changes(tx, Action::UserUpdated, caller.user, &changes.names()).await?;
        Ok(user)
    });
    Ok(respond(&updated.await?.into()))
}
