//! The events of SES.
//!
//! "Examples of event data that Amazon SES publishes to Amazon SNS", Amazon SES Developer Guide. SNS delivers them raw, so the body of
//! a message is the event itself.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::domain::{input::Email, mail_delivery::StopReason};

/// What SES sends to the topic when it is connected to it. Not JSON.
const GREETING: &str = "Successfully validated SNS topic";

#[derive(Deserialize)]
#[serde(tag = "eventType")]
enum Event {
    Bounce {
        bounce: Bounce,
    },
    Complaint {
        complaint: Complaint,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    #[serde(rename = "bounceType")]
    kind: String,
    bounced_recipients: Vec<Recipient>,
    timestamp: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(rename = "complaintFeedbackType")]
    feedback: Option<String>,
    complained_recipients: Vec<Recipient>,
    timestamp: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// What an event says about mail to some addresses.
pub struct Report {
    /// The value of the metric `MailEvents`.
    pub kind: &'static str,
    /// `None` if the addresses still get mail.
    pub stop: Option<StopReason>,
    pub addresses: Vec<Email>,
    pub at: DateTime<Utc>,
}

/// Reads the body of a message. `None` if it is not about an address. An error never repeats the body: it has addresses.
pub fn parse(body: &str) -> anyhow::Result<Option<Report>> {
    if body.starts_with(GREETING) {
        return Ok(None);
    }
    // serde's message can repeat a value.
    let event = serde_json::from_str(body).map_err(|error| {
        anyhow::anyhow!("not an event of SES: line {}, column {}", error.line(), error.column())
    })?;
    let (kind, stop, recipients, at) = match event {
        Event::Bounce { bounce } if bounce.kind == "Permanent" => {
            ("bounce", Some(StopReason::Bounce), bounce.bounced_recipients, bounce.timestamp)
        }
        // A full mailbox, or a server that is unavailable: the next mail may arrive.
        Event::Bounce { bounce } => ("transient-bounce", None, bounce.bounced_recipients, bounce.timestamp),
        // The reader moved the mail out of the spam folder.
        Event::Complaint { complaint } if complaint.feedback.as_deref() == Some("not-spam") => {
            ("not-spam", None, complaint.complained_recipients, complaint.timestamp)
        }
        Event::Complaint { complaint } => {
            ("complaint", Some(StopReason::Complaint), complaint.complained_recipients, complaint.timestamp)
        }
        Event::Other => return Ok(None),
    };
    let addresses = recipients.into_iter().map(|recipient| {
        let address = Email::try_from(recipient.email_address).ok();
        address.context("the event has an address to which this service sends no mail")
    });
    Ok(Some(Report { kind, stop, addresses: addresses.collect::<anyhow::Result<_>>()?, at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounce(kind: &str, address: &str) -> String {
        format!(
            r#"{{"eventType": "Bounce", "mail": {{"messageId": "1"}}, "bounce": {{"bounceType": "{kind}", "bounceSubType": "General",
                "bouncedRecipients": [{{"emailAddress": "{address}", "action": "failed"}}], "timestamp": "2026-11-26T10:00:00.123Z"}}}}"#
        )
    }

    fn stop(body: &str) -> Option<StopReason> {
        parse(body).expect("an event").and_then(|report| report.stop)
    }

    #[test]
    fn only_permanent_bounces_and_complaints_stop_mail() {
        assert_eq!(stop(&bounce("Permanent", "ada@example.com")), Some(StopReason::Bounce));
        assert_eq!(stop(&bounce("Transient", "ada@example.com")), None);
        assert_eq!(stop(&bounce("Undetermined", "ada@example.com")), None);
        let complaint = |feedback: &str| {
            format!(
                r#"{{"eventType": "Complaint", "complaint": {{"complainedRecipients": [{{"emailAddress": "ada@example.com"}}],
                    "timestamp": "2026-11-26T10:00:00Z"{feedback}}}}}"#
            )
        };
        assert_eq!(stop(&complaint("")), Some(StopReason::Complaint));
        assert_eq!(stop(&complaint(r#", "complaintFeedbackType": "abuse""#)), Some(StopReason::Complaint));
        assert_eq!(stop(&complaint(r#", "complaintFeedbackType": "not-spam""#)), None);
    }

    #[test]
    fn events_about_no_address_are_ignored() {
        let greeting = "Successfully validated SNS topic for Amazon SES event publishing.";
        for body in [greeting, r#"{"eventType": "Delivery", "delivery": {}, "mail": {}}"#] {
            assert!(parse(body).expect("an event").is_none(), "{body}");
        }
    }

    #[test]
    fn malformed_event_is_refused_without_its_content() {
        let secret = "ada@example.com";
        let bodies = [
            String::new(),
            "[]".to_owned(),
            format!(r#"{{"eventType": "Bounce", "bounce": "{secret}"}}"#),
            format!(r#"{{"eventType": "{secret}"#),
            bounce("Permanent", &format!("{secret} and others")),
        ];
        for body in bodies {
            let error = parse(&body).err().unwrap_or_else(|| panic!("{body} was accepted"));
            assert!(!format!("{error:#}").contains(secret), "{error:#}");
        }
    }
}
