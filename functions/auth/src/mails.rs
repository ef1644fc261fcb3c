//! The mails this function sends. None contains a text that a person chose: a stranger may have entered the address.

use shared::{
    crypto::one_time_token::OneTimeToken,
    mail::message::{Letter, link, send},
};

use crate::AuthState;

/// Sends a link that verifies `email`.
pub async fn send_verification(state: &AuthState, email: &str, token: &OneTimeToken) {
    let letter = Letter {
        subject: "Confirm your e-mail address",
        paragraphs: vec![
            "Please confirm that this address is yours. The link works once, for 24 hours:".to_owned(),
        ],
        link: Some((link(&state.app.config.web.app_url, "verify-email", token), "Confirm my address")),
        ending: "If you have not created an account with Arches, ignore this mail: without the confirmation it is removed after 30 days.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Sends a link to a page that sets a new password.
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

/// Sends a link, and a code, that sign in.
pub async fn send_magic_link(state: &AuthState, email: &str, token: &OneTimeToken, code: Option<String>) {
    let letter = Letter {
        subject: "Sign in to Arches",
        paragraphs: vec!["This link signs you in. It works once, for 15 minutes:".to_owned()],
        link: Some((link(&state.app.config.web.app_url, "magic-link", token), "Sign in")),
        code,
        ending: "If you have not asked for it, ignore this mail, and do not give the code to anyone.",
    };
    send(&*state.mailer, email, letter).await;
}

/// Sends a link that moves an account to `email`.
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

/// Notifies the old address that the account has moved to another one.
pub async fn send_email_changed(state: &AuthState, old: &str) {
    let letter = Letter {
        subject: "Your e-mail address was changed",
        paragraphs: vec!["Your Arches account now has another e-mail address.".to_owned()],
        ending: "If it was not you, write to us at once.",
        ..Letter::default()
    };
    send(&*state.mailer, old, letter).await;
}

/// Notifies the owner of an account that its password was removed.
pub async fn send_password_removed(state: &AuthState, email: &str) {
    let letter = Letter {
        subject: "Your password was removed",
        paragraphs: vec![
            "The password of your Arches account was removed. You can sign in through your mail.".to_owned(),
        ],
        ending: "If it was not you, ask for a new password at once, and write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Notifies the owner of an account that its password was changed.
pub async fn send_password_changed(state: &AuthState, email: &str) {
    let letter = Letter {
        subject: "Your password was changed",
        paragraphs: vec!["The password of your Arches account was changed.".to_owned()],
        ending: "If it was not you, ask for a new one at once, and write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}
