//! What surrounds a function that no gateway calls: a job, started by a schedule, by a deployment, by Secrets Manager or by
//! a person.

use std::{
    env,
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::Context;
use lambda_runtime::{Context as Invocation, Error, LambdaEvent, run, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::{
    config::ConfigError,
    domain::{
        actor::RequestInfo,
        clock::{Clock, SystemClock},
    },
    telemetry,
};

/// How long a command may take.
const COMMAND: Duration = Duration::from_hours(12);

/// One run of a job.
#[derive(Debug, Clone)]
pub struct Job {
    /// In every log line, and in the audit events it leaves.
    pub id: String,
    /// When it is cut off.
    pub deadline: Deadline,
}

impl Job {
    /// As the cause of audit events: nobody, from nowhere.
    #[must_use]
    pub fn request(&self) -> RequestInfo {
        RequestInfo { id: self.id.clone(), address: None, path: String::new(), user_agent: None }
    }
}

impl From<Invocation> for Job {
    fn from(invocation: Invocation) -> Self {
        let ends = UNIX_EPOCH + Duration::from_millis(invocation.deadline);
        let left = ends.duration_since(SystemClock.now().into()).unwrap_or_default();
        Self { id: invocation.request_id, deadline: Deadline::after(left) }
    }
}

/// When Lambda ends the instance. A command gives up by itself, half a day after it began.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// That of a command.
    #[must_use]
    pub fn far() -> Self {
        Self::after(COMMAND)
    }

    /// How long a job may still work, if it wants `reserve` for putting things in order.
    #[must_use]
    pub fn left(self, reserve: Duration) -> Duration {
        self.0.saturating_duration_since(Instant::now()).saturating_sub(reserve)
    }

    /// Whether no more than `reserve` is left.
    #[must_use]
    pub fn is_near(self, reserve: Duration) -> bool {
        self.left(reserve).is_zero()
    }

    /// Does `work`, unless that takes so long that no more than `reserve` is left.
    pub async fn within<T>(
        self,
        reserve: Duration,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        timeout(self.left(reserve), Box::pin(work)).await.context("the function's time is over")?
    }
}

/// Runs `work` for each event, on what `make` makes once; or once as a command, whose only argument is the event as JSON.
///
/// `function` is the function's crate, as for [`telemetry::init`]. In AWS the result is also a log line. A failure is logged with its whole chain, and is one to Lambda too.
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
        by_hand(&state, event, &work).await
    } else {
        let handler = service_fn(async |event: LambdaEvent<Value>| {
            let LambdaEvent { payload, context } = event;
            let job = Job::from(context);
            let result = once(&state, payload, &job, &work).await?;
            // Nobody reads the answer of a scheduled run.
            tracing::info!(request.id = job.id, result = %result, "job done");
            Ok::<_, Error>(result)
        });
        run(handler).await
    };
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn by_hand<S, E: DeserializeOwned, R: Serialize>(
    state: &S,
    event: &str,
    work: &impl AsyncFn(&S, E, &Job) -> anyhow::Result<R>,
) -> Result<(), Error> {
    let job = Job { id: Uuid::now_v7().to_string(), deadline: Deadline::far() };
    let result = once(state, serde_json::from_str(event)?, &job, work).await?;
    print(&serde_json::to_string_pretty(&result)?);
    Ok(())
}

async fn once<S, E: DeserializeOwned, R: Serialize>(
    state: &S,
    event: Value,
    job: &Job,
    work: &impl AsyncFn(&S, E, &Job) -> anyhow::Result<R>,
) -> anyhow::Result<Value> {
    let done = async {
        let event = serde_json::from_value(event)
            .map_err(|error| anyhow::anyhow!("this event is not one of ours: {error}"))?;
        anyhow::Ok(serde_json::to_value(Box::pin(work(state, event, job)).await?)?)
    };
    let done = done.await;
    if let Err(error) = &done {
        tracing::error!(request.id = job.id, error = format!("{error:#}"), "job failed");
    }
    telemetry::flush();
    // Lambda tells only the outermost sentence of an error.
    done.map_err(|error| anyhow::anyhow!("{error:#}"))
}

#[expect(clippy::print_stdout, reason = "a command answers on standard output")]
fn print(text: &str) {
    println!("{text}");
}
