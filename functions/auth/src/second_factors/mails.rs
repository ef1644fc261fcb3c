//! Notices about second factors. They are not limited: a thief could use up a limit first, and few can be caused.

use shared::{
    domain::mail_delivery::Mailbox,
    mail::message::{Letter, send},
};

use crate::AuthState;

const NOT_ME: &str =
    "If it was not you, choose a new password at once, look at your sessions, and write to us.";

async fn notify(state: &AuthState, to: &Mailbox, subject: &'static str, paragraph: String) {
    let letter = Letter { subject, paragraphs: vec![paragraph], ending: NOT_ME, ..Letter::default() };
    send(&*state.mailer, to, letter).await;
}

/// Notifies the user that a sign-in needs a code of the app from now on.
pub async fn send_added(state: &AuthState, to: &Mailbox) {
    let text = "From now on, a sign-in to your Arches account needs a code of your authenticator app. All other sessions were ended. \
                Keep your recovery codes where you find them without your phone.";
    notify(state, to, "Your account has a second factor", text.to_owned()).await;
}

/// Notifies the user that a sign-in needs no second factor any more.
pub async fn send_removed(state: &AuthState, to: &Mailbox) {
    let text = "The authenticator app of your Arches account was removed, with its recovery codes. A sign-in needs no second factor.";
    notify(state, to, "Your second factor was removed", text.to_owned()).await;
}

/// Notifies the user that there are new recovery codes.
pub async fn send_codes_created(state: &AuthState, to: &Mailbox) {
    let text = "Your Arches account has ten new recovery codes. The old ones do not work any more.";
    notify(state, to, "You have new recovery codes", text.to_owned()).await;
}

/// Notifies the user that a recovery code was used.
pub async fn send_code_used(state: &AuthState, to: &Mailbox, left: i64) {
    let text = format!(
        "A recovery code of your Arches account was used. Codes that are left: {left}. You can make ten new ones."
    );
    notify(state, to, "A recovery code was used", text).await;
}
