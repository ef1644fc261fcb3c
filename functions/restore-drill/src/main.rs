//! The `restore-drill` function, and the same as a command.

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), restore_drill::USAGE, restore_drill::state, restore_drill::run).await
}
