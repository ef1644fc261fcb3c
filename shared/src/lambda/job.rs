//! Runs a job: a function that no gateway calls. A schedule, a deployment, Secrets Manager or a person starts it.

use std::{
    env,
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::Context;
use lambda_runtime::{Context as Invocation, Error, LambdaEvent, run, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

use super::queue::TryAgain;
use crate::{
    config::ConfigError,
    domain::{
        actor::RequestInfo,
        clock::{Clock, SystemClock},
    },
    telemetry::{self, Trace},
};

pub use crate::domain::deadline::Deadline;

/// One run of a job.
#[derive(Debug, Clone)]
pub struct Job {
    /// In the log lines and audit events of the run.
    pub id: String,
    pub deadline: Deadline,
}

impl Job {
    /// Returns the origin of the run's audit events: the id, without address or user agent.
    #[must_use]
    pub fn request(&self) -> RequestInfo {
        RequestInfo { id: self.id.clone(), address: None, path: String::new(), user_agent: None }
    }
}

/// `cargo lambda watch` writes the time that is left, ten minutes, in place of the time of the deadline.
const LOCAL_TIMEOUT: Duration = Duration::from_mins(10);

impl From<Invocation> for Job {
    fn from(invocation: Invocation) -> Self {
        let since_1970 = Duration::from_millis(invocation.deadline);
        let left = if since_1970 < LOCAL_TIMEOUT * 2 {
            LOCAL_TIMEOUT
        } else {
            (UNIX_EPOCH + since_1970).duration_since(SystemClock.now().into()).unwrap_or_default()
        };
        Self { id: invocation.request_id, deadline: Deadline::after(left) }
    }
}

impl Deadline {
    /// Runs `work`. Stops it and fails when only `reserve` is left.
    pub async fn within<T>(
        self,
        reserve: Duration,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        timeout(self.left(reserve), Box::pin(work)).await.context("deadline exceeded")?
    }
}

/// Runs `work` for each event in Lambda. As a command, runs it once; the only argument is the event as JSON. `make` creates the
/// state once.
///
/// `function` is the name of the function's crate ([`telemetry::init`]). In Lambda the result is also logged. A failure is logged
/// with its whole chain and returned to Lambda as an error.
pub async fn serve<S, E: DeserializeOwned, R: Serialize>(
    function: &'static str,
    usage: &str,
    make: impl FnOnce() -> Result<S, ConfigError>,
    work: impl AsyncFn(&S, E, &Job) -> anyhow::Result<R>,
) -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let in_lambda = env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let event = match arguments.as_slice() {
        _ if in_lambda => None,
        [] => Some("{}"),
        [event] if event.trim_start().starts_with('{') => Some(event.as_str()),
        other => {
            print(usage);
            let asked = other.iter().any(|argument| matches!(argument.as_str(), "-h" | "--help"));
            return if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    telemetry::init(function);
    let Ok(state) = make() else { return ExitCode::FAILURE };
    let done = if let Some(event) = event {
        run_from_cli(function, &state, event, &work).await
    } else {
        let handler = service_fn(async |event: LambdaEvent<Value>| {
            let LambdaEvent { payload, context } = event;
            let trace = Trace::of(context.xray_trace_id.as_deref());
            let job = Job::from(context);
            let result = run_once(function, &state, payload, &job, trace, &work).await?;
            // Logged, because the response of a scheduled run is not kept.
            tracing::info!(request.id = job.id, trace.id = trace.hex(), result = %result, "job done");
            Ok::<_, Error>(result)
        });
        run(handler).await
    };
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run_from_cli<S, E: DeserializeOwned, R: Serialize>(
    function: &'static str,
    state: &S,
    event: &str,
    work: &impl AsyncFn(&S, E, &Job) -> anyhow::Result<R>,
) -> Result<(), Error> {
    let job = Job { id: Uuid::now_v7().to_string(), deadline: Deadline::far() };
    let result = run_once(function, state, serde_json::from_str(event)?, &job, Trace::of(None), work).await?;
    print(&serde_json::to_string_pretty(&result)?);
    Ok(())
}

async fn run_once<S, E: DeserializeOwned, R: Serialize>(
    function: &'static str,
    state: &S,
    event: Value,
    job: &Job,
    trace: Trace,
    work: &impl AsyncFn(&S, E, &Job) -> anyhow::Result<R>,
) -> anyhow::Result<Value> {
    let done = async {
        // Types that are derived accept an array as well.
        anyhow::ensure!(event.is_object(), "invalid event: it is not an object");
        let event =
            serde_json::from_value(event).map_err(|error| anyhow::anyhow!("invalid event: {error}"))?;
        anyhow::Ok(serde_json::to_value(Box::pin(work(state, event, job)).await?)?)
    };
    let log = tracing::info_span!("run", trace.id = trace.hex());
    let span = log.in_scope(|| trace.invocation(function, &job.id));
    let done = done.instrument(span.clone()).instrument(log.clone()).await;
    if let Err(error) = &done {
        log.in_scope(|| log_failure(job, error));
        span.record("error.type", "failed");
    }
    // Ended, so that it is written.
    drop(span);
    telemetry::flush();
    // Lambda returns only the outermost message of an error.
    done.map_err(|error| anyhow::anyhow!("{error:#}"))
}

/// Logs why a run failed. What is expected to succeed later moves no alarm that rolls a deployment back.
fn log_failure(job: &Job, failure: &anyhow::Error) {
    let error = format!("{failure:#}");
    if failure.is::<TryAgain>() {
        tracing::warn!(request.id = job.id, error, "job not finished; it runs again");
    } else {
        tracing::error!(request.id = job.id, error, "job failed");
    }
}

#[expect(clippy::print_stdout, reason = "a command prints its result")]
fn print(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, Serialize)]
    #[serde(default)]
    struct Request {
        dry_run: bool,
    }

    #[tokio::test]
    async fn local_invocation_has_ten_minutes_and_one_in_lambda_what_is_left() {
        let left = |deadline: u64| {
            let mut invocation = Invocation::default();
            invocation.deadline = deadline;
            Job::from(invocation).deadline.left(Duration::ZERO)
        };
        assert!(left(600_000) > Duration::from_mins(9));
        let now = u64::try_from(SystemClock.now().timestamp_millis()).expect("after 1970");
        assert!(left(now - 1).is_zero());
        assert!(left(now + 60_000) <= Duration::from_mins(1) && left(now + 60_000) > Duration::from_secs(50));
    }

    #[tokio::test]
    async fn an_event_is_an_object() {
        let job = Job { id: "1".to_owned(), deadline: Deadline::far() };
        let run = async |event| {
            let work = async |(): &(), request: Request, _: &Job| Ok(request);
            run_once("test", &(), event, &job, Trace::of(None), &work).await
        };
        assert_eq!(run(json!({ "dry_run": true })).await.expect("a result"), json!({ "dry_run": true }));
        for event in [json!([]), json!([true]), json!(null), json!("{}")] {
            let error = run(event.clone()).await.expect_err("no object").to_string();
            assert_eq!(error, "invalid event: it is not an object", "{event}");
        }
    }
}
