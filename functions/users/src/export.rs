//! `GET /v1/users/{userId}/export`

use axum::{Json, extract::State};
use shared::{
    ApiError, AppState, auth::Administrator, extract::Path, http::RequestInfo, ids::UserId, page::Data,
    personal_data::Export, store,
};

use crate::refusals;

/// Everything held about a user, for someone who asks by letter (GDPR, article 15).
#[utoipa::path(
    get, path = "/v1/users/{userId}/export", tag = "users", operation_id = "export_user",
    params(("userId" = UserId, Path, description = "The user's id.")), security(("bearer" = [])),
    responses(
        (status = 200, description = "Every row that is theirs, without secrets.", body = Data<Export>),
        (status = 404, description = "`user-not-found`"),
    ),
)]
pub async fn export(
    State(state): State<AppState>,
    Administrator(caller): Administrator,
    request: RequestInfo,
    Path(id): Path<UserId>,
) -> Result<Json<Data<Export>>, ApiError> {
    let now = state.clock.now();
    let export = state
        .db
        .transaction(async |tx| -> Result<_, ApiError> {
            let user = store::users::find_any(tx, id).await?.ok_or(refusals::NO_SUCH_USER)?;
            Ok(Export::of(tx, &user, &caller, &request, now).await?)
        })
        .await?;
    Ok(Json(Data { data: export }))
}
