//! `GET /v1/artifacts/status`

use axum::Json;
use serde::Serialize;
use shared::{
    ApiError,
    auth::{Actor, Caller},
    domain::page::Data,
    store,
};
use utoipa::ToSchema;

/// Whether the function can work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArtifactsStatus)]
pub struct Status {
    /// `ok`; otherwise the answer is a 503.
    #[schema(example = "ok", max_length = 2)]
    status: &'static str,
}

/// Show whether the function reaches the database.
#[utoipa::path(
    get, path = "/v1/artifacts/status", tag = "artifacts", operation_id = "show_artifacts_status",
    security(("bearer" = [])),
    responses((status = 200, description = "It does.", body = Data<Status>)),
)]
pub async fn status(caller: Caller) -> Result<Json<Data<Status>>, ApiError> {
    caller.read(async |tx| Ok(store::ping(tx).await?)).await?;
    Ok(Json(Data { data: Status { status: "ok" } }))
}
