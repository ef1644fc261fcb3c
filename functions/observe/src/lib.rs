//! Sends what the functions write to the log out of the system: spans to an OTLP collector, errors, crashes and timeouts to Sentry.
//!
//! CloudWatch invokes it with the lines of the subscriptions, and a queue with the events that could not be delivered before. A receiver
//! that is down is not an error here: the run fails, and Lambda or the queue repeats it.

mod collector;
mod event;
mod flood;
mod line;
mod problem;
mod sentry;

use std::{sync::Arc, time::Duration};

use collector::Collector;
use line::Line;
use sentry::Sentry;
use serde::Serialize;
use serde_json::Value;
use shared::{
    aws::secrets::Secrets,
    config::{Config, ConfigError},
    domain::{
        clock::{Clock, SystemClock},
        deadline::Deadline,
    },
    http_client::HttpClient,
    lambda::job::Job,
};

/// Printed for unknown arguments.
pub const USAGE: &str = r#"usage: observe '{"awslogs": {"data": "…"}}'

TRACING_ENDPOINT receives the spans, SENTRY_DSN the errors. The argument is an event of a subscription of CloudWatch Logs."#;
/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &[];

/// Limits a call to a receiver.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Created once in `main`.
pub struct State {
    collector: Option<Collector>,
    sentry: Option<Sentry>,
}

/// What was delivered.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub spans: usize,
    pub errors: usize,
    /// Errors of a kind of which enough were sent in this minute.
    pub suppressed: usize,
    /// The messages of the queue that failed. Always empty: a failure fails the run, which has one message.
    pub batch_item_failures: [(); 0],
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    let config = Config::from_env(REQUIRED)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Secrets::new(config.keys.max_age, Arc::clone(&clock));
    let http = HttpClient::new(config.application.environment);
    Ok(State {
        collector: Collector::new(&config.monitoring, http.clone(), secrets.clone()),
        sentry: Sentry::new(&config.monitoring, http, secrets, clock),
    })
}

/// Delivers the lines of `event`. Fails if a receiver is unavailable; what the other one got, it gets again with the same ids.
pub async fn run(state: &State, event: Value, job: &Job) -> anyhow::Result<Report> {
    let (mut spans, mut problems) = (Vec::new(), Vec::new());
    for data in event::parse(&event)? {
        for entry in &data.log_events {
            match line::parse(&data, entry) {
                Line::Spans(found) => spans.extend(found),
                Line::Problem(problem) => problems.push(*problem),
                Line::Other => {}
            }
        }
    }
    let (sent, reported) = tokio::join!(
        async {
            match &state.collector {
                Some(collector) => collector.send(spans, call_deadline(job)).await,
                None => Ok(0),
            }
        },
        async {
            match &state.sentry {
                Some(sentry) => sentry.send(problems, job.deadline).await,
                None => Ok(sentry::Reported::default()),
            }
        }
    );
    let (sent, reported) = (sent?, reported?);
    Ok(Report { spans: sent, errors: reported.sent, suppressed: reported.suppressed, ..Report::default() })
}

fn call_deadline(job: &Job) -> Deadline {
    Deadline::after(job.deadline.left(Duration::from_secs(1)).min(CALL_TIMEOUT))
}
