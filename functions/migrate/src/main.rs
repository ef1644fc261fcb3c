//! The `migrate` function, and the same as a command.

use std::{env, process::ExitCode};

use lambda_runtime::{LambdaEvent, run, service_fn};
use migrate::Request;
use shared::telemetry;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::init();
    let done = if env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        run(service_fn(async |event: LambdaEvent<Request>| migrate::run(&event.payload).await)).await
    } else {
        command_line().await
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "migrate ends");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command answers on standard output")]
async fn command_line() -> Result<(), lambda_runtime::Error> {
    match Request::parse(&env::args().skip(1).collect::<Vec<_>>()) {
        Some(request) => println!("{}", serde_json::to_string_pretty(&migrate::run(&request).await?)?),
        None => println!(
            "usage: migrate up | status | appoint <email>\n\nDATABASE_URL names the database, as its owner and not through a pooler."
        ),
    }
    Ok(())
}
