//! The `observe` function, also a command.

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), observe::USAGE, observe::make, observe::run).await
}
