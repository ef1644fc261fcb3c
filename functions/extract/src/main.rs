//! The `extract` function.

use std::{env, process::ExitCode};

use extract::child;
use shared::lambda::queue;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        // Before anything else is started: this process must have nothing.
        (Some(child::ARGUMENT), Some(media_type)) => child::run(&media_type),
        _ => serve(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> ExitCode {
    queue::serve(env!("CARGO_CRATE_NAME"), extract::make, extract::handle).await
}
