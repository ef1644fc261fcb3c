//! The `recovery-points` function, also a command.

use std::process::ExitCode;

use shared::lambda::job;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    job::serve(env!("CARGO_CRATE_NAME"), recovery_points::USAGE, recovery_points::make, recovery_points::run)
        .await
}
