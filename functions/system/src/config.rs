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
    // All variables of a Lambda function have at most 4 KB.
    #[schema(example = "1.0.0", max_length = 4096)]
    version: String,
    /// The available ways to sign in.
    #[schema(example = json!(["password"]), max_items = 16, max_length = 16)]
    sign_in_methods: Vec<&'static str>,
    /// The identity providers, in the order of their buttons. Begin at `/v1/auth/oauth/{provider}/authorize`.
    #[schema(max_items = 16)]
    providers: Vec<OfferedProvider>,
    limits: Limits,
}

/// An identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferedProvider {
    /// In paths.
    #[schema(example = "google", max_length = 32)]
    name: String,
    /// The text of the button.
    #[schema(example = "Google", max_length = 64)]
    label: String,
}

/// Limits of requests and tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    #[schema(maximum = 65_535)]
    password_min_length: u16,
    #[schema(maximum = 65_535)]
    password_max_length: u16,
    #[schema(maximum = 2_147_483_647)]
    body_max_bytes: u32,
    #[schema(maximum = 1_000_000)]
    requests_per_window: u32,
    #[schema(maximum = 4_294_967)]
    window_seconds: u64,
    #[schema(maximum = 10_000_000_000_000i64)]
    access_token_seconds: u64,
    #[schema(maximum = 10_000_000_000_000i64)]
    refresh_token_seconds: u64,
}

/// Show the public settings.
#[utoipa::path(
    get, path = "/v1/config", tag = "system", operation_id = "config",
    responses((status = 200, description = "The settings.", body = Data<PublicConfig>)),
)]
pub async fn config(State(state): State<SystemState>) -> impl IntoResponse {
    let config = &state.app.config;
    let providers = config.sign_in.providers.iter();
    let data = PublicConfig {
        version: config.application.version.clone(),
        sign_in_methods: vec!["password", "magic-link"],
        providers: providers
            .map(|provider| OfferedProvider { name: provider.name.clone(), label: provider.label.clone() })
            .collect(),
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
