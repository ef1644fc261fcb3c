//! The `search` function.

use lambda_http::Error;
use search::{REQUIRED, SearchState};
use shared::{AppState, config::Config, http, lambda, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = SearchState::new(AppState::new(Config::from_env(REQUIRED)?));
    Box::pin(state.app.warm()).await;
    lambda::http::run(http::service(search::routes(), state)).await
}
