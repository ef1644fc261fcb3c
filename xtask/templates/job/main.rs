//! The `%kebab%` function, and the same as a command.

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), %snake%::USAGE, %snake%::make, %snake%::run).await
}
