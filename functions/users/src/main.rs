//! The `users` function.

use lambda_http::Error;
use shared::{AppState, config::Config, http, lambda, telemetry};
use users::{REQUIRED, UsersState};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = UsersState::new(AppState::new(Config::from_env(REQUIRED)?));
    Box::pin(state.app.warm()).await;
    lambda::http::run(http::service(users::routes(), state)).await
}
