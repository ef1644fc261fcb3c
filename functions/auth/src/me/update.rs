//! `PATCH /v1/auth/me`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED},
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
        input::{ImageUrl, Name, Phone},
        page::Data,
        patch::Patch,
    },
    http::{
        etag::{ETag, IfMatch, STALE},
        extract::Body,
    },
    store::{self, users::Changes},
};
use utoipa::ToSchema;

use super::Profile;
use crate::AuthState;

/// What to change: a member left out stays, `null` removes it (RFC 7396).
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
        (status = 200, description = "The profile as it is now.", body = Data<Profile>),
    ),
)]
pub async fn update(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
    IfMatch(version): IfMatch,
    Body(changes): Body<ProfileChanges>,
) -> Result<(ETag, Json<Data<Profile>>), ApiError> {
    let name = changes.name.kept("/name")?;
    let changes = Changes { name, image: &changes.image, phone: &changes.phone };
    let now = state.app.clock.now();
    let user = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let Some(user) = store::users::update(tx, caller.user, &changes, version, now).await? else {
                return Err(if version.is_some() { STALE.into() } else { UNAUTHENTICATED.into() });
            };
            let event = Event::new(Action::UserUpdated, caller.user, &request).through(caller.session);
            store::audit_events::insert(tx, &event, now).await?;
            Ok(user)
        })
        .await?;
    Ok((ETag(user.version), Json(Data { data: user.into() })))
}
