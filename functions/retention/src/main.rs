//! The `retention` function, also a command.

// Transactions within batches within a run within the runtime: the compiler's own limit for such nesting is 128.
#![recursion_limit = "256"]

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), retention::USAGE, retention::make, retention::handle).await
}
