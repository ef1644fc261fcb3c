//! The `docs` function.

use lambda_http::{Error, run};
use shared::{AppState, config::Config, http, telemetry};
use utoipa_axum::router::OpenApiRouter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let state = AppState::new(Config::from_env(&[])?);
    run(http::service_with_probes(OpenApiRouter::new(), docs::routes(), state)).await
}
