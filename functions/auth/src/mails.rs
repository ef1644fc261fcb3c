//! The mails this function sends. None contains a text that a person chose: a stranger may have entered the address.

use shared::{
    ApiError,
    crypto::one_time_token::OneTimeToken,
    domain::mail_delivery::Mailbox,
    mail::{
        letters,
        message::{Letter, link, send},
    },
};

use crate::{AuthState, throttle};

/// Sends a link that verifies `email`.
pub async fn send_verification(state: &AuthState, email: &Mailbox, token: &OneTimeToken) {
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
pub async fn send_reset(state: &AuthState, email: &Mailbox, token: &OneTimeToken) {
    send(&*state.mailer, email, letters::reset(&state.app.config.web.app_url, token)).await;
}

/// Sends a link, and a code, that sign in.
pub async fn send_magic_link(state: &AuthState, email: &Mailbox, token: &OneTimeToken, code: Option<String>) {
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
pub async fn send_email_change(state: &AuthState, email: &Mailbox, token: &OneTimeToken) {
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

/// Notifies the current address that someone wants to move the account to another one.
pub async fn send_email_change_requested(state: &AuthState, current: &Mailbox) {
    if !may_notify(state, &current.address).await {
        return;
    }
    let letter = Letter {
        subject: "Someone wants to change your e-mail address",
        paragraphs: vec![
            "Someone who is signed in and knows the password asked to move your Arches account to another e-mail address."
                .to_owned(),
        ],
        ending: "If it was not you, change your password at once: that stops the move. Then write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, current, letter).await;
}

/// Notifies the old address that the account has moved to another one. `undo` is the token of a link that moves it back.
///
/// The link is not limited: it is the owner's way back, and a thief could use up the limit of notices first.
pub async fn send_email_changed(state: &AuthState, old: &Mailbox, undo: Option<&OneTimeToken>) {
    if undo.is_none() && !may_notify(state, &old.address).await {
        return;
    }
    let mut letter = Letter {
        subject: "Your e-mail address was changed",
        paragraphs: vec!["Your Arches account now has another e-mail address.".to_owned()],
        ending: "If it was not you, write to us at once.",
        ..Letter::default()
    };
    if let Some(token) = undo {
        letter.paragraphs.push(
            "If it was not you, take the account back with this link. It works once, for seven days. It also removes the password and \
             ends all sessions:"
                .to_owned(),
        );
        letter.link =
            Some((link(&state.app.config.web.app_url, "undo-email-change", token), "Take my account back"));
        letter.ending = "If it was you, ignore this mail.";
    }
    send(&*state.mailer, old, letter).await;
}

/// Notifies the owner of an account of a sign-in from a new device. `token` is that of a link that rejects it.
pub async fn send_new_device(
    state: &AuthState,
    email: &Mailbox,
    token: &OneTimeToken,
    sign_in: Option<String>,
) {
    if !counted(throttle::may_notify_of_sign_in(state, &email.address).await) {
        return;
    }
    let opening = "Someone, hopefully you, signed in to your Arches account from a new device.".to_owned();
    let advice = "If it was not you, take the account back with this link. It works once, for seven days. It ends all sessions, removes the \
                  password, and mails you a link for a new one:"
        .to_owned();
    let letter = Letter {
        subject: "A sign-in from a new device",
        paragraphs: [Some(opening), sign_in, Some(advice)].into_iter().flatten().collect(),
        link: Some((link(&state.app.config.web.app_url, "reject-sign-in", token), "This was not me")),
        ending: "If it was you, ignore this mail.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Notifies the owner of an account that its password was removed.
pub async fn send_password_removed(state: &AuthState, email: &Mailbox) {
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

/// Notifies the owner of an account that its password was changed. Failures to sign in with the old one do not count any more.
pub async fn send_password_changed(state: &AuthState, email: &Mailbox) {
    if !counted(throttle::may_notify_of_password(state, &email.address).await) {
        return;
    }
    let letter = Letter {
        subject: "Your password was changed",
        paragraphs: vec!["The password of your Arches account was changed.".to_owned()],
        ending: "If it was not you, ask for a new one at once, and write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Sends a link that adds an identity to the account. The page behind it names the provider.
pub async fn send_identity_offer(state: &AuthState, email: &Mailbox, token: &OneTimeToken) {
    let letter = Letter {
        subject: "Add a way to sign in",
        paragraphs: vec![
            "Someone signed in with an identity provider that knows this address, and there is an Arches account with it. With this link, the \
             provider signs in to the account. It works once, for one hour:"
                .to_owned(),
        ],
        link: Some((link(&state.app.config.web.app_url, "link-identity", token), "Look at it")),
        ending: "If it was not you, ignore this mail, and do not use the link.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Notifies the owner of an account that the provider with this label signs in to it now, or no more.
pub async fn send_identity_changed(state: &AuthState, email: &Mailbox, label: &str, is_added: bool) {
    if !may_notify(state, &email.address).await {
        return;
    }
    let (subject, happened) = if is_added {
        ("A way to sign in was added", "signs in to your Arches account now")
    } else {
        ("A way to sign in was removed", "does not sign in to your Arches account any more")
    };
    let letter = Letter {
        subject,
        paragraphs: vec![format!("{label} {happened}.")],
        ending: "If it was not you, choose a new password at once, and look at your ways to sign in. Then write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Notifies the owner of an account that a passkey does not sign in to it any more.
pub async fn send_passkey_removed(state: &AuthState, email: &Mailbox) {
    if !may_notify(state, &email.address).await {
        return;
    }
    let letter = Letter {
        subject: "A passkey was removed",
        paragraphs: vec!["A passkey does not sign in to your Arches account any more.".to_owned()],
        ending: "If it was not you, choose a new password at once, and look at your ways to sign in. Then write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, email, letter).await;
}

/// Counts a notice to `email`. Returns whether it may be sent.
async fn may_notify(state: &AuthState, email: &str) -> bool {
    counted(throttle::may_notify(state, email).await)
}

/// Returns whether a notice may be sent. An error is logged only: what the notice tells was done.
fn counted(may_notify: Result<bool, ApiError>) -> bool {
    may_notify.unwrap_or_else(|error| {
        tracing::warn!(?error, "notice not counted");
        true
    })
}
