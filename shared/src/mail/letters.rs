//! The mails that more than one function sends.

use url::Url;

use super::message::{Letter, link};
use crate::crypto::one_time_token::OneTimeToken;

/// Returns the mail with a link to a page that sets a new password. `opening` says why it is sent, `ending` what to do if it was not
/// expected.
#[must_use]
fn new_password(app_url: &Url, token: &OneTimeToken, opening: &str, ending: &'static str) -> Letter {
    Letter {
        subject: "Choose a new password",
        paragraphs: vec![format!("{opening} The link works once, for one hour:")],
        link: Some((link(app_url, "reset-password", token), "Choose a new password")),
        ending,
        ..Letter::default()
    }
}

/// Returns the mail to a user who asked for a new password.
#[must_use]
pub fn reset(app_url: &Url, token: &OneTimeToken) -> Letter {
    new_password(
        app_url,
        token,
        "Someone, hopefully you, asked for a new password.",
        "If it was not you, ignore this mail: your password stays as it is.",
    )
}

/// Returns the mail to a user whose account an administrator has recovered.
#[must_use]
pub fn recovery(app_url: &Url, token: &OneTimeToken) -> Letter {
    new_password(
        app_url,
        token,
        "Our support removed the password of your Arches account and signed it out everywhere. Choose a new password.",
        "If the hour has passed, ask for a new password on the sign-in page. If you have no account with Arches, ignore this mail.",
    )
}
