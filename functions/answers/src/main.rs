//! The `answers` function.

use answers::{AnswersState, REQUIRED};
use lambda_http::Error;
use shared::{AppState, config::Config, lambda, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let state = AnswersState::new(AppState::new(Config::from_env(REQUIRED)?));
    Box::pin(state.app.warm()).await;
    let tasks = state.tasks.clone();
    lambda::http::run_streaming(answers::service(state), tasks).await
}
