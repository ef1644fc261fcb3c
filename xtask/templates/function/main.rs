//! The `%kebab%` function.

use lambda_http::Error;
use shared::{AppState, config::Config, http, lambda, telemetry};
use %snake%::{REQUIRED, %Pascal%State};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = %Pascal%State::new(AppState::new(Config::from_env(REQUIRED)?));
    Box::pin(state.app.warm()).await;
    lambda::http::run(http::service(%snake%::routes(), state)).await
}
