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

/// Returns the mail to a user who said that a sign-in was another person's.
#[must_use]
pub fn rejection(app_url: &Url, token: &OneTimeToken) -> Letter {
    new_password(
        app_url,
        token,
        "You said that a sign-in to your Arches account was not you. We removed its password and signed it out everywhere. Choose a new \
         password.",
        "If the hour has passed, ask for a new password on the sign-in page. If you did not say this, another person read our mail \
         about the sign-in.",
    )
}

/// Returns the mail to a user whose account an administrator has recovered.
#[must_use]
pub fn recovery(app_url: &Url, token: &OneTimeToken) -> Letter {
    new_password(
        app_url,
        token,
        "Our support removed the password of your Arches account, and its second factor if it had one, and signed it out everywhere. \
         Choose a new password.",
        "If the hour has passed, ask for a new password on the sign-in page. If you have no account with Arches, ignore this mail.",
    )
}

/// Returns the mail to a user whose second factors an administrator has removed.
#[must_use]
pub fn factors_removed() -> Letter {
    Letter {
        subject: "Your second factor was removed",
        paragraphs: vec![
            "Our support removed the authenticator app of your Arches account, its recovery codes and its passkeys, and signed the account \
             out everywhere. A sign-in needs no second factor."
                .to_owned(),
        ],
        ending: "If you have not asked for it, choose a new password at once, and write to us.",
        ..Letter::default()
    }
}
