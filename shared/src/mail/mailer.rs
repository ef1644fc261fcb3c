//! Sends mail through Amazon SES.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sesv2::{
    Client,
    error::ProvideErrorMetadata,
    types::{Body, Content, Destination, EmailContent, Message},
};
use futures_core::future::BoxFuture;
use metrics::histogram;
use tokio::{sync::OnceCell, time::Instant};

use crate::aws::client;
use crate::{config::Mail as MailConfig, domain::input::Email, error::Unavailable};

/// One mail to one recipient, as text and HTML.
#[derive(Debug, Clone)]
pub struct Mail {
    pub to: Email,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The reason for which a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// SES refused this mail because of its recipient, or because too many mails were sent. A caller can cause this.
    #[error("SES refused the mail: {0}")]
    Refused(String),
    #[error(transparent)]
    NotSent(#[from] Unavailable),
}

/// The codes of refusals that the recipient or the number of mails can cause (SES API v2, `SendEmail`).
const CAUSED_BY_CALLERS: [&str; 4] =
    ["BadRequestException", "LimitExceededException", "MessageRejected", "TooManyRequestsException"];

/// Sends mail.
pub trait Mailer: Send + Sync {
    /// Hands `mail` over for delivery. It has not arrived when this returns.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>>;
}

/// Sends through SES.
pub struct SesMailer {
    config: MailConfig,
    client: OnceCell<Client>,
}

impl SesMailer {
    /// Connects at the first mail.
    #[must_use]
    pub fn new(config: MailConfig) -> Self {
        Self { config, client: OnceCell::new() }
    }
}

impl SesMailer {
    /// Returns the configuration set, which reports bounces and complaints. `None` if the setting is empty.
    fn configuration_set(&self) -> Option<String> {
        Some(self.config.configuration_set.clone()).filter(|name| !name.is_empty())
    }
}

impl Mailer for SesMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        Box::pin(async move {
            let client = self.client.get_or_init(|| async { Client::new(client::config().await) }).await;
            let message = Message::builder()
                .subject(utf8(mail.subject)?)
                .body(Body::builder().text(utf8(mail.text)?).html(utf8(mail.html)?).build())
                .build();
            let started = Instant::now();
            let sent = client
                .send_email()
                .from_email_address(&self.config.from)
                .set_configuration_set_name(self.configuration_set())
                .destination(Destination::builder().to_addresses(mail.to.as_ref()).build())
                .content(EmailContent::builder().simple(message).build())
                .send()
                .await;
            histogram!("DependencyTime", "dependency" => "mail")
                .record(started.elapsed().as_secs_f64() * 1e3);
            // SES's message about a rejected mail contains the address, so only the code is reported.
            sent.map(drop).map_err(|error| match error.code() {
                Some(code) if CAUSED_BY_CALLERS.contains(&code) => MailError::Refused(code.to_owned()),
                Some(code) => {
                    Unavailable::new("mail", anyhow::anyhow!("SES refused the mail: {code}")).into()
                }
                None => Unavailable::new("mail", error).into(),
            })
        })
    }
}

fn utf8(text: String) -> Result<Content, Unavailable> {
    Content::builder().data(text).charset("UTF-8").build().map_err(|error| Unavailable::new("mail", error))
}

/// Keeps the mails in memory, for tests.
#[derive(Clone, Default)]
pub struct RecordingMailer(Arc<Mutex<Vec<Mail>>>);

impl RecordingMailer {
    /// Returns all mails, oldest first.
    #[must_use]
    pub fn sent(&self) -> Vec<Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Mailer for RecordingMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
        Box::pin(async { Ok(()) })
    }
}
