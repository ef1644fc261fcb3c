//! The `index` function.

// Transactions within batches within a message within the runtime: the compiler's own limit for such nesting is 128.
#![recursion_limit = "256"]

use std::process::ExitCode;

use shared::lambda::queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    queue::serve(env!("CARGO_CRATE_NAME"), index::make, index::handle).await
}
