//! The `migrate` function, also a command.

use std::{env, process::ExitCode};

use lambda_runtime::{LambdaEvent, run, service_fn};
use migrate::{Request, Task};
use shared::{
    aws::cloudformation::Call,
    lambda::job::{Deadline, Job},
    telemetry::{self, Trace},
};
use tracing::Instrument;

/// Printed for unknown arguments.
const USAGE: &str = "usage: migrate <command>

commands:
  up               apply missing migrations
  status           list applied and missing migrations
  logins           create or update the logins of the other functions
  appoint <email>  make the user with this verified address an administrator of the system
  restore-organization <id>
                   restore a deleted organization, within 30 days of the deletion
  import-users <file> --from <auth0|supabase|keycloak|clerk|firebase> [--dry-run] [--hash-config <file>]
                      [--drop-unusable-passwords]
                   import the users of another system; see docs/import-users.md

environment:
  DATABASE_URL     the database, as its owner and not through a pooler
  ERASURE_BUCKET   for import-users: the ledger of erasures, whose users stay erased";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    telemetry::init(env!("CARGO_CRATE_NAME"));
    let done = if env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let handler = service_fn(async |event: LambdaEvent<Call<Task>>| {
            let trace = Trace::of(event.context.xray_trace_id.as_deref());
            let log = tracing::info_span!("run", trace.id = trace.hex());
            let job = Job::from(event.context);
            migrate::run(event.payload, &job).instrument(log).await
        });
        run(handler).await
    } else {
        command_line().await
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "migrate failed");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command answers on standard output")]
async fn command_line() -> Result<(), lambda_runtime::Error> {
    match Request::parse(&env::args().skip(1).collect::<Vec<_>>()) {
        Some(request) => {
            let job = Job { id: String::new(), deadline: Deadline::far() };
            println!(
                "{}",
                serde_json::to_string_pretty(&migrate::run(Call::Own(Task::Request(request)), &job).await?)?
            );
        }
        None => println!("{USAGE}"),
    }
    Ok(())
}
