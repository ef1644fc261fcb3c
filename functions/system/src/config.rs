//! `GET /v1/config`

use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde::Serialize;
use shared::{domain::page::Data, http::BODY_LIMIT};
use utoipa::ToSchema;

use crate::SystemState;

/// Settings that a client may need before it signs in. None is secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicConfig {
    #[schema(example = "1.0.0")]
    version: String,
    /// The available ways to sign in.
    #[schema(example = json!(["password"]))]
    sign_in_methods: Vec<&'static str>,
    limits: Limits,
}

/// Limits of requests and tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    password_min_length: u16,
    password_max_length: u16,
    body_max_bytes: u32,
    requests_per_window: u32,
    window_seconds: u64,
    access_token_seconds: u64,
    refresh_token_seconds: u64,
}

/// Show the public settings.
#[utoipa::path(
    get, path = "/v1/config", tag = "system", operation_id = "config",
    responses((status = 200, description = "The settings.", body = Data<PublicConfig>)),
)]
pub async fn config(State(state): State<SystemState>) -> impl IntoResponse {
    let config = &state.app.config;
    let data = PublicConfig {
        version: config.application.version.clone(),
        sign_in_methods: vec!["password", "magic-link"],
        limits: Limits {
            password_min_length: 8,
            password_max_length: 256,
            body_max_bytes: BODY_LIMIT,
            requests_per_window: config.rate_limit.max_requests,
            window_seconds: config.rate_limit.window.as_secs(),
            access_token_seconds: config.tokens.expiry.as_secs(),
            refresh_token_seconds: config.tokens.refresh_expiry.as_secs(),
        },
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(Data { data }))
}
