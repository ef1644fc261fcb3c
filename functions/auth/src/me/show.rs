//! `GET /v1/auth/me`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED},
    domain::page::Data,
    http::etag::ETag,
};

use super::Profile;
use crate::AuthState;

/// Show my profile.
#[utoipa::path(
    get, path = "/v1/auth/me", tag = "auth", operation_id = "show_me", security(("bearer" = [])),
    responses(
        (status = 200, description = "My profile.", body = Data<Profile>),
    ),
)]
pub async fn show(
    State(state): State<AuthState>,
    caller: Caller,
) -> Result<(ETag, Json<Data<Profile>>), ApiError> {
    let account = caller.account(&state.app).await?.ok_or(UNAUTHENTICATED)?;
    Ok((ETag(account.version), Json(Data { data: Profile::from(&*account) })))
}
