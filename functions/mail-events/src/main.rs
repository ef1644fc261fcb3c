//! The `mail-events` function.

use std::process::ExitCode;

use shared::lambda::queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    queue::serve(env!("CARGO_CRATE_NAME"), mail_events::make, mail_events::handle).await
}
