//! The `smoke` function.

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), smoke::USAGE, smoke::make, smoke::run).await
}
