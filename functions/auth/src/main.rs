//! The `auth` function.

use auth::{AuthState, REQUIRED};
use lambda_http::Error;
use shared::{AppState, config::Config, http, lambda, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = AuthState::new(AppState::new(Config::from_env(REQUIRED)?));
    state.warm().await;
    lambda::http::run(http::service(auth::routes(), state)).await
}
