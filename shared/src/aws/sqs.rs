//! Queues in Amazon SQS.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue},
};
use tokio::sync::OnceCell;
use tracing::{Instrument, field};

use super::client;
use crate::{
    error::Unavailable,
    telemetry::{TRACE, Trace},
};

/// A queue. Connects at first use. Every call has a timeout.
pub struct Queue {
    url: String,
    client: OnceCell<Client>,
}

impl Queue {
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), client: OnceCell::new() }
    }

    /// Sends a message, which is delivered at least once.
    pub async fn send(&self, body: &str) -> Result<(), Unavailable> {
        self.send_after(body, Duration::ZERO).await
    }

    /// Sends a message that is delivered after `delay`, at most 15 minutes.
    pub async fn send_after(&self, body: &str, delay: Duration) -> Result<(), Unavailable> {
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX).min(900);
        let name = self.url.rsplit('/').next().unwrap_or_default();
        let span = tracing::info_span!(
            target: TRACE, "send", otel.kind = "producer", otel.name = format!("send {name}"), messaging.system = "aws_sqs",
            "messaging.operation.type" = "send", messaging.destination.name = name, "error.type" = field::Empty,
        );
        let mut send = self.client().await.send_message().queue_url(&self.url).message_body(body);
        if let Some(header) = span.in_scope(trace_header) {
            send = send.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header);
        }
        let call = send.delay_seconds(seconds).send().instrument(span.clone());
        call.await.map_err(|error| {
            span.record("error.type", "unavailable");
            Unavailable::new("sqs", error)
        })?;
        Ok(())
    }

    /// Lets the message with this receipt be delivered again after `delay`, at most 12 hours after it was received.
    pub async fn return_after(&self, receipt: &str, delay: Duration) -> Result<(), Unavailable> {
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let change =
            self.client().await.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        change.visibility_timeout(seconds).send().await.map_err(|error| Unavailable::new("sqs", error))?;
        Ok(())
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| async { Client::new(client::config().await) }).await
    }
}

/// Returns the trace of the current span, which the receiver continues.
fn trace_header() -> Option<MessageSystemAttributeValue> {
    let value = MessageSystemAttributeValue::builder().data_type("String");
    value.string_value(Trace::current()?.to_string()).build().ok()
}
