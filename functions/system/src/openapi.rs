//! `GET /openapi.json`

use axum::{http::header, response::IntoResponse};

/// Generated from the routes by `cargo xtask generate`. A test compares them.
const DOCUMENT: &str = include_str!("../../../openapi.json");

/// Show this OpenAPI document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "system", operation_id = "openapi",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object, content_type = "application/json")),
)]
pub async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], DOCUMENT)
}
