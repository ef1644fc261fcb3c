//! The `oauth` function.

use lambda_http::Error;
use oauth::{OauthState, REQUIRED};
use shared::{AppState, config::Config, http, lambda, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = OauthState::new(AppState::new(Config::from_env(REQUIRED)?));
    Box::pin(state.app.warm()).await;
    lambda::http::run(http::service(oauth::routes(), state)).await
}
