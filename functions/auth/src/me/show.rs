//! `GET /v1/auth/me`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    auth::{Caller, caller::UNAUTHENTICATED},
    etag::ETag,
    page::Data,
    store,
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
    let user =
        state.app.db.transaction(async |tx| anyhow::Ok(store::users::find(tx, caller.user).await?)).await?;
    let user = user.ok_or(UNAUTHENTICATED)?;
    Ok((ETag(user.version), Json(Data { data: user.into() })))
}
