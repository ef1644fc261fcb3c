//! `GET /health`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The state of the process. Always `ok`: a broken process does not answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok", max_length = 16)]
    status: &'static str,
}

/// Check that the process runs.
///
/// Checks no dependency.
#[utoipa::path(
    get, path = "/health", tag = "system", operation_id = "health",
    responses((status = 200, description = "The process runs.", body = Health)),
)]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}
