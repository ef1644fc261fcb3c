//! Renders and sends mails. Each function has its own texts.

use std::time::Duration;

use askama::Template;
use metrics::counter;
use tokio::time::timeout;
use url::Url;

use crate::{
    crypto::one_time_token::OneTimeToken,
    domain::{input::Email, mail_delivery::Mailbox},
    mail::mailer::{Mail, MailError, Mailer},
};

const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// The content of a mail, before it is rendered as text and HTML.
#[derive(Default)]
pub struct Letter {
    pub subject: &'static str,
    pub paragraphs: Vec<String>,
    /// The link and its label.
    pub link: Option<(Url, &'static str)>,
    /// Six digits to type, for a reader who cannot open the link.
    pub code: Option<String>,
    /// The advice to a reader who did not expect the mail.
    pub ending: &'static str,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a>(&'a Letter);

/// Askama escapes the values, because the name of the template ends in `.html`.
#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a>(&'a Letter);

impl Letter {
    fn render(&self, to: Email) -> anyhow::Result<Mail> {
        Ok(Mail {
            to,
            subject: self.subject.to_owned(),
            text: Text(self).render()?,
            html: Html(self).render()?,
        })
    }
}

/// Returns the link to `page` of the configured application with `token`. Never built from the headers of a request.
#[must_use]
pub fn link(app_url: &Url, page: &str, token: &OneTimeToken) -> Url {
    let mut link = app_url.clone();
    link.set_path(&format!("{}/{page}", app_url.path().trim_end_matches('/')));
    link.query_pairs_mut().append_pair("token", token.reveal());
    link
}

/// Sends `letter` to `to`, unless mail to it is stopped.
///
/// A failure is only logged: the change that the mail is about is already committed, and every mail except a notice can be
/// requested again.
pub async fn send(mailer: &dyn Mailer, to: &Mailbox, letter: Letter) {
    let subject = letter.subject;
    if let Some(reason) = to.stopped {
        counter!("MailsSuppressed", "reason" => reason.as_str()).increment(1);
        tracing::info!(subject, reason = reason.as_str(), "mail not sent to a suppressed address");
        return;
    }
    let Ok(to) = Email::try_from(to.address.clone()) else {
        // An address from before the rules of today.
        tracing::warn!(subject, error = "the address cannot receive mail", "mail refused");
        return;
    };
    let sent = async { anyhow::Ok(timeout(SEND_TIMEOUT, mailer.send(letter.render(to)?)).await??) };
    match sent.await {
        Ok(()) => {}
        Err(error) if matches!(error.downcast_ref(), Some(MailError::Refused(_))) => {
            tracing::warn!(subject, error = format!("{error:#}"), "mail refused");
        }
        Err(error) => tracing::error!(subject, error = format!("{error:#}"), "mail not sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_a_mail_is_never_markup() {
        let paragraphs = vec!["<a href='//evil.example'>&".to_owned()];
        let to = Email::try_from("ada@example.com".to_owned()).expect("an address");
        let mail = Letter { paragraphs, ..Letter::default() }.render(to).expect("a mail");
        assert!(!mail.html.contains("<a href='//evil"), "{}", mail.html);
        assert!(mail.text.contains("<a href='//evil.example'>&"), "{}", mail.text);
    }
}
