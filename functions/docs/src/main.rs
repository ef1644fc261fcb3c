//! The `docs` function.

use axum::Router;
use lambda_http::Error;
use shared::{AppState, config::Config, http, lambda, telemetry};

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &[];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = AppState::new(Config::from_env(REQUIRED)?);
    lambda::http::run(http::service_with_probes(Router::new(), docs::routes(), state)).await
}
