//! The `rotate-keys` function.

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), rotate_keys::USAGE, rotate_keys::make, rotate_keys::run).await
}
