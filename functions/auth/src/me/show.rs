//! `GET /v1/auth/me`

use shared::{
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED},
    domain::page::Data,
};

use super::{Profile, ProfileResponse, respond};

/// Show my profile.
#[utoipa::path(
    get, path = "/v1/auth/me", tag = "auth", operation_id = "show_me", security(("bearer" = [])),
    responses(
        (status = 200, description = "My profile.", body = Data<Profile>),
    ),
)]
pub async fn show(caller: Caller) -> Result<ProfileResponse, ApiError> {
    let profile = caller.profile().await?.ok_or(UNAUTHENTICATED)?;
    Ok(respond(&profile))
}
