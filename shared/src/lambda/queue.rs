//! Runs a function that SQS invokes with batches of messages.
//!
//! Each message is handled on its own. A message that fails is reported to SQS as a batch item failure: SQS deletes the others, and
//! delivers this one again after its visibility timeout. After five receives SQS moves it to the dead letters. That also happens to a
//! message that can never be handled, because it is malformed: nothing is lost, an alarm notifies, and a person can read it.
//!
//! SQS delivers at least once and in any order, so handling a message again must be safe.

use std::{any::Any, panic::AssertUnwindSafe, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tokio::time::timeout;
use tracing::{Instrument, Span};

use super::job::{Deadline, Job};
use crate::{
    config::ConfigError,
    domain::actor::RequestInfo,
    telemetry::{self, Trace},
};

/// Time kept at the end of the invocation, for the response.
const RESERVE: Duration = Duration::from_secs(1);

/// A message of a queue.
#[derive(Debug)]
pub struct Message {
    pub id: String,
    pub body: String,
    /// The name of the queue: the last part of its ARN.
    pub queue: String,
    /// Names this delivery, to change when it becomes visible again.
    pub receipt: String,
    /// How often SQS has delivered it, this time included.
    pub receives: u32,
    /// When its share of the time ends.
    pub deadline: Deadline,
    /// The trace of its sender.
    pub trace: Option<Trace>,
}

/// The failure of a message, or of a job that Lambda runs again, that is expected to succeed later. It is logged as a warning, so it
/// moves no alarm that rolls a deployment back.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TryAgain(pub String);

impl Message {
    /// Returns the origin of the audit events of this message: its id, without address or user agent.
    #[must_use]
    pub fn request(&self) -> RequestInfo {
        RequestInfo { id: self.id.clone(), address: None, path: String::new(), user_agent: None }
    }
}

impl TryFrom<SqsMessage> for Message {
    type Error = anyhow::Error;

    fn try_from(message: SqsMessage) -> anyhow::Result<Self> {
        let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        Ok(Self {
            trace: message.attributes.get("AWSTraceHeader").and_then(|header| Trace::parse(header)),
            id: message.message_id.context("invalid event: a message without an id")?,
            body: message.body.unwrap_or_default(),
            queue: message
                .event_source_arn
                .and_then(|arn| Some(arn.rsplit_once(':')?.1.to_owned()))
                .unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            receives: receives.unwrap_or(1),
            deadline: Deadline::after(Duration::ZERO),
        })
    }
}

/// Runs `handle_one` for each message of each batch in Lambda. `make` creates the state once.
///
/// `function` is the name of the function's crate ([`telemetry::init`]). A failure is logged with the id of the message and never with
/// its body, which may be personal data. A message may take its share of the time that is left, so one that hangs does not fail the
/// others. Messages for which no time is left are returned to the queue.
pub async fn serve<S>(
    function: &'static str,
    make: impl FnOnce() -> Result<S, ConfigError>,
    handle_one: impl AsyncFn(&S, &Message) -> anyhow::Result<()>,
) -> ExitCode {
    telemetry::init(function);
    let Ok(state) = make() else { return ExitCode::FAILURE };
    let handler = service_fn(async |event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        let trace = Trace::of(context.xray_trace_id.as_deref());
        let job = Job::from(context);
        let log = tracing::info_span!("batch", trace.id = trace.hex());
        let span = log.in_scope(|| trace.invocation(function, &job.id));
        let response = handle_batch(payload, &job, async |message| handle_one(&state, message).await);
        let response = response.instrument(span.clone()).instrument(log.clone()).await;
        if let Err(error) = &response {
            log.in_scope(|| {
                tracing::error!(request.id = job.id, error = format!("{error:#}"), "batch failed");
            });
            span.record("error.type", "failed");
        }
        // Ended, so that it is written.
        drop(span);
        telemetry::flush();
        response.map_err(|error| Error::from(anyhow!("{error:#}")))
    });
    if run(handler).await.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Handles the messages one after the other. Returns those that failed.
async fn handle_batch(
    event: Value,
    job: &Job,
    handle_one: impl AsyncFn(&Message) -> anyhow::Result<()>,
) -> anyhow::Result<SqsBatchResponse> {
    let event: SqsEvent = serde_json::from_value(event).context("invalid event")?;
    let mut messages =
        event.records.into_iter().map(Message::try_from).collect::<anyhow::Result<Vec<_>>>()?;
    let mut response = SqsBatchResponse::default();
    let (count, mut returned) = (messages.len(), 0);
    Span::current().record("messaging.batch.message_count", count);
    for (number, message) in messages.iter_mut().enumerate() {
        let Some(time) = share(job.deadline, count - number) else {
            returned += 1;
            response.add_failure(message.id.clone());
            continue;
        };
        message.deadline = Deadline::after(time);
        let message = &*message;
        let log = message
            .trace
            .map_or_else(Span::none, |trace| tracing::info_span!("message", trace.id = trace.hex()));
        let span = log.in_scope(|| Trace::message(message.trace.as_ref(), &message.queue, &message.id));
        let handled = AssertUnwindSafe(handle_one(message)).catch_unwind();
        let handled = timeout(time, handled).instrument(span.clone()).instrument(log.clone()).await;
        let handled = handled.map_err(|_| anyhow!("deadline exceeded"));
        let handled = handled.and_then(|done| done.unwrap_or_else(|panic| Err(panicked(&*panic))));
        if let Err(error) = handled {
            let expected = error.is::<TryAgain>();
            let (id, receives, error) = (&message.id, message.receives, format!("{error:#}"));
            let _log = log.enter();
            if expected {
                tracing::warn!(
                    request.id = job.id,
                    message.id = id,
                    receives,
                    error,
                    "message returned to the queue"
                );
            } else {
                tracing::error!(request.id = job.id, message.id = id, receives, error, "message failed");
                span.record("error.type", "failed");
            }
            response.add_failure(message.id.clone());
        }
    }
    if returned > 0 {
        tracing::warn!(request.id = job.id, returned, "no time left; messages returned to the queue");
    }
    let failed = response.batch_item_failures.len();
    tracing::info!(request.id = job.id, messages = count, failed, "batch done");
    Ok(response)
}

/// Returns how long one of `messages` messages may take; `None` if no time is left.
fn share(deadline: Deadline, messages: usize) -> Option<Duration> {
    let left = deadline.left(RESERVE) / u32::try_from(messages).unwrap_or(u32::MAX);
    (!left.is_zero()).then_some(left)
}

fn panicked(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<&str>().copied();
    anyhow!("panicked: {}", text.or_else(|| panic.downcast_ref().map(String::as_str)).unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::{Instant, sleep};

    use super::*;

    fn batch(bodies: &[&str]) -> Value {
        let records = bodies.iter().enumerate().map(|(number, body)| {
            json!({
                "messageId": format!("m{number}"), "body": body, "receiptHandle": "r", "attributes": { "ApproximateReceiveCount": "2" },
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:mails"
            })
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }

    fn job(time: Duration) -> Job {
        Job { id: "run".to_owned(), deadline: Deadline::after(time) }
    }

    async fn failed(
        event: Value,
        time: Duration,
        handle_one: impl AsyncFn(&Message) -> anyhow::Result<()>,
    ) -> Vec<String> {
        let response = handle_batch(event, &job(time), handle_one).await.expect("a response");
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    #[tokio::test]
    async fn message_that_panics_fails_alone() {
        let handle = async |message: &Message| {
            assert_eq!((message.receives, &*message.queue, &*message.receipt), (2, "mails", "r"));
            assert!(message.body != "broken", "a bug");
            Ok(())
        };
        let event = batch(&["good", "broken", "good"]);
        assert_eq!(failed(event, Duration::from_secs(10), handle).await, ["m1"]);
    }

    #[tokio::test]
    async fn message_that_hangs_takes_only_its_share_of_the_time() {
        let begin = Instant::now();
        let handle = async |message: &Message| {
            if message.body == "hang" {
                sleep(Duration::from_hours(1)).await;
            }
            Ok(())
        };
        let event = batch(&["hang", "good", "hang", "good"]);
        let time = RESERVE + Duration::from_millis(800);
        assert_eq!(failed(event, time, handle).await, ["m0", "m2"]);
        assert!(begin.elapsed() < time);
    }

    #[tokio::test]
    async fn messages_without_time_are_returned_and_not_begun() {
        let handle = async |_: &Message| -> anyhow::Result<()> { panic!("begun without time") };
        assert_eq!(failed(batch(&["a", "b"]), RESERVE, handle).await, ["m0", "m1"]);
    }

    #[tokio::test]
    async fn batch_without_message_ids_fails_as_a_whole() {
        let event = json!({ "Records": [{ "body": "good" }] });
        let handled = handle_batch(event, &job(Duration::from_secs(10)), async |_| Ok(())).await;
        assert!(handled.is_err_and(|error| error.to_string().contains("without an id")));
    }
}
