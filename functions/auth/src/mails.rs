//! The mails this function sends.

use std::time::Duration;

use chrono::TimeDelta;
use shared::{
    crypto::one_time_token::OneTimeToken,
    mail::message::{Letter, link, send},
};
use tokio::time::sleep;

use crate::AuthState;

/// How long a mailed proof of an address can be used.
pub const VERIFICATION_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How long a link to a new password can be used.
pub const RESET_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// How long a magic link can be used.
pub const MAGIC_LINK_LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// How long an answer takes that must not tell whether a mail was sent: longer than sending one does.
const EVEN: Duration = Duration::from_millis(400);

/// Asks the owner of `email` to prove it.
pub async fn send_verification(state: &AuthState, email: &str, name: &str, token: &OneTimeToken) {
    let letter = Letter {
        subject: "Confirm your e-mail address",
        paragraphs: vec![
            format!("Hello {name},"),
            "please confirm that this address is yours. The link works once, for 24 hours:".to_owned(),
        ],
        link: Some((link(&state.app.config.web.app_url, "verify-email", token), "Confirm my address")),
        ending: "If you have not made an account with Arches, ignore this mail.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Leads the owner of `email` to a new password.
pub async fn send_reset(state: &AuthState, email: &str, token: &OneTimeToken) {
    let letter = Letter {
        subject: "Choose a new password",
        paragraphs: vec![
            "Someone, hopefully you, asked for a new password. The link works once, for one hour:".to_owned(),
        ],
        link: Some((link(&state.app.config.web.app_url, "reset-password", token), "Choose a new password")),
        ending: "If it was not you, ignore this mail: your password stays as it is.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Lets the owner of `email` in.
pub async fn send_magic_link(state: &AuthState, email: &str, token: &OneTimeToken, code: String) {
    let letter = Letter {
        subject: "Sign in to Arches",
        paragraphs: vec!["This link signs you in. It works once, for 15 minutes:".to_owned()],
        link: Some((link(&state.app.config.web.app_url, "magic-link", token), "Sign in")),
        code: Some(code),
        ending: "If you have not asked for it, ignore this mail, and give the code to nobody.",
    };
    send(&*state.mailer, email, letter).await;
}

/// Asks the owner of `email` whether an account may move to it.
pub async fn send_email_change(state: &AuthState, email: &str, token: &OneTimeToken) {
    let letter = Letter {
        subject: "Confirm your new e-mail address",
        paragraphs: vec![
            "Please confirm that your Arches account moves to this address. The link works once, for 24 hours:"
                .to_owned(),
        ],
        link: Some((link(&state.app.config.web.app_url, "confirm-email", token), "Move my account")),
        ending: "If you have not asked for it, ignore this mail.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Tells the owner of the old address that the account has moved away.
pub async fn send_email_changed(state: &AuthState, old: &str) {
    let letter = Letter {
        subject: "Your e-mail address was changed",
        paragraphs: vec!["Your Arches account now has another e-mail address.".to_owned()],
        ending: "If it was not you, write to us at once.",
        ..Letter::default()
    };
    send(&*state.mailer, old, letter).await;
}

/// Tells someone that their password is another one.
pub async fn send_password_changed(state: &AuthState, email: &str) {
    let letter = Letter {
        subject: "Your password was changed",
        paragraphs: vec!["The password of your Arches account was changed.".to_owned()],
        ending: "If it was not you, ask for a new one at once, and write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Does `work`, and takes as long whatever there was to do.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    let ((), done) = tokio::join!(sleep(EVEN), work);
    done
}
