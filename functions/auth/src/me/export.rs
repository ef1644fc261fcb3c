//! `GET /v1/auth/me/export`

use axum::{Json, extract::State};
use shared::{
    ApiError,
    accounts::export::Export,
    auth::{Caller, caller::UNAUTHENTICATED},
    domain::{actor::RequestInfo, page::Data},
    store,
};

use crate::{AuthState, throttle};

/// Everything held about me, as one document (GDPR, articles 15 and 20).
#[utoipa::path(
    get, path = "/v1/auth/me/export", tag = "auth", operation_id = "export_me", security(("bearer" = [])),
    responses((status = 200, description = "Every row that is mine, without secrets.", body = Data<Export>)),
)]
pub async fn export(
    State(state): State<AuthState>,
    caller: Caller,
    request: RequestInfo,
) -> Result<Json<Data<Export>>, ApiError> {
    // Costly, and never urgent.
    throttle::request(&state, "export", &caller.user.to_string(), &request).await?;
    let now = state.app.clock.now();
    let export = state
        .app
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let user = store::users::find(tx, caller.user).await?.ok_or(UNAUTHENTICATED)?;
            Ok(Export::of(tx, &user, &caller, &request, now).await?)
        })
        .await?;
    Ok(Json(Data { data: export }))
}
