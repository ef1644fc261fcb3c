//! The `system` function.

use lambda_http::Error;
use shared::{AppState, config::Config, http, lambda, telemetry};
use system::{REQUIRED, SystemState};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = SystemState::new(AppState::new(Config::from_env(REQUIRED)?));
    lambda::http::run(http::service_with_probes(system::routes(), system::probes(), state)).await
}
