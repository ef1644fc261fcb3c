//! Queues in Amazon SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use tokio::sync::OnceCell;

use super::client;
use crate::error::Unavailable;

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
        let send = self.client().await.send_message().queue_url(&self.url).message_body(body);
        send.delay_seconds(seconds).send().await.map_err(|error| Unavailable::new("sqs", error))?;
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
