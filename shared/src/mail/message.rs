//! How mails look. What is in them, the function says that sends them.

use std::time::Duration;

use askama::Template;
use tokio::time::timeout;
use url::Url;

use crate::{
    crypto::one_time_token::OneTimeToken,
    domain::input::Email,
    mail::mailer::{Mail, Mailer},
};

/// After this long a mail is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a mail says, before it is text and HTML.
#[derive(Default)]
pub struct Letter {
    /// The subject line.
    pub subject: &'static str,
    /// What it is about.
    pub paragraphs: Vec<String>,
    /// Where to click, and what stands there.
    pub link: Option<(Url, &'static str)>,
    /// Six digits, for those who cannot click.
    pub code: Option<String>,
    /// What to do if it was a mistake.
    pub ending: &'static str,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a>(&'a Letter);

/// By the ending of its name, what is put into it is escaped.
#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a>(&'a Letter);

impl Letter {
    fn mail(&self, to: Email) -> anyhow::Result<Mail> {
        Ok(Mail {
            to,
            subject: self.subject.to_owned(),
            text: Text(self).render()?,
            html: Html(self).render()?,
        })
    }
}

/// The link to `page` of the configured application with `token`; never made from a request's headers.
#[must_use]
pub fn link(app_url: &Url, page: &str, token: &OneTimeToken) -> Url {
    let mut link = app_url.clone();
    link.set_path(&format!("{}/{page}", app_url.path().trim_end_matches('/')));
    link.query_pairs_mut().append_pair("token", token.reveal());
    link
}

/// Sends `letter` to `to`.
///
/// What it is about is done whether or not this succeeds, and every mail but a notice can be asked for again, so a failure is only
/// logged.
pub async fn send(mailer: &dyn Mailer, to: &str, letter: Letter) {
    let subject = letter.subject;
    let sent = async {
        let to =
            Email::try_from(to.to_owned()).map_err(|problem| anyhow::anyhow!("stored address: {problem}"))?;
        Ok::<_, anyhow::Error>(timeout(PATIENCE, mailer.send(letter.mail(to)?)).await??)
    };
    if let Err(error) = sent.await {
        tracing::error!(subject, error = format!("{error:#}"), "mail not sent");
    }
}
