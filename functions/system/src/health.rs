//! `GET /health`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Always `ok`: a process that is not would not answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok", max_length = 16)]
    status: &'static str,
}

/// Is the process up?
///
/// Touches nothing else.
#[utoipa::path(
    get, path = "/health", tag = "system", operation_id = "health",
    responses((status = 200, description = "It is.", body = Health)),
)]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}
