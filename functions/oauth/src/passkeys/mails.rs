//! The notices about passkeys.

use std::time::Duration;

use shared::{
    cache::rate_limit::Limit,
    domain::mail_delivery::Mailbox,
    mail::message::{Letter, send},
    store::users::User,
};

use crate::OauthState;

/// Notices about copies to one user. Only a copy can cause them.
const COPIES_PER_DAY: Limit = Limit { name: "passkey-copies", max: 1, window: Duration::from_hours(24) };

/// Notifies the user that a passkey signs in to the account. Not limited: a thief could use up a limit first, and few can be caused.
pub async fn send_added(state: &OauthState, to: &Mailbox) {
    let letter = Letter {
        subject: "A passkey was added",
        paragraphs: vec![
            "A passkey was added to your Arches account. It signs in without a password.".to_owned(),
        ],
        ending: "If it was not you, remove it from your ways to sign in, choose a new password, and write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, to, letter).await;
}

/// Notifies the user that there may be a copy of a passkey.
pub async fn send_copied(state: &OauthState, user: &User) {
    let limits = [(COPIES_PER_DAY, user.id.to_string())];
    let (_, reached) = state.app.rate_limiter.take(&limits, state.app.clock.now()).await;
    if reached.is_some() {
        return;
    }
    let letter = Letter {
        subject: "A passkey may have been copied",
        paragraphs: vec![
            "A passkey of your Arches account did not sign in, because its count went back: there may be a copy of it.".to_owned(),
        ],
        ending: "Remove the passkey from your ways to sign in, and add a new one. If you use only one device, write to us.",
        ..Letter::default()
    };
    send(&*state.mailer, &user.mailbox(), letter).await;
}
