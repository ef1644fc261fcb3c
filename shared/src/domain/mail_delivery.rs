//! Whether mail is sent to an address.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

text_enum!(
    /// The reason for which no mail is sent to an address.
    StopReason {
        /// A mail could not be delivered, and never can be: the address does not exist.
        Bounce = "bounce",
        /// The reader of a mail marked it as spam.
        Complaint = "complaint",
    }
);

text_enum!(
    /// Whether mail is sent to an address.
    DeliveryStatus {
        Ok = "ok",
        /// No mail is sent.
        Stopped = "stopped",
    }
);

/// An address to which a mail may be sent, and what is known of it.
#[derive(Debug, Clone)]
pub struct Mailbox {
    pub address: String,
    /// `None` if mail is sent to it.
    pub stopped: Option<StopReason>,
}

impl Mailbox {
    /// Returns the mailbox without a stop after a bounce: one mail is sent, which shows whether the address works again.
    #[must_use]
    pub fn despite_bounce(self) -> Self {
        Self { stopped: self.stopped.filter(|reason| *reason != StopReason::Bounce), ..self }
    }
}

/// Whether the service sends mail to the address of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailDelivery {
    /// `stopped`: no mail is sent to the address, not even a link to sign in.
    status: DeliveryStatus,
    /// Null if mail is sent.
    reason: Option<StopReason>,
    /// When the mail bounced, or its reader complained. Null if mail is sent.
    since: Option<DateTime<Utc>>,
}

impl EmailDelivery {
    #[must_use]
    pub fn new(reason: Option<StopReason>, since: Option<DateTime<Utc>>) -> Self {
        let status = if reason.is_some() { DeliveryStatus::Stopped } else { DeliveryStatus::Ok };
        Self { status, reason, since }
    }
}
