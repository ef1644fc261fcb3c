//! The mails this function sends, and the one-time secrets in them.

use std::sync::LazyLock;

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use minijinja::{Environment, context};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use shared::{outside::mail::Mail, text::Email};

use crate::AuthState;

/// How long a mailed proof of an address can be used.
pub const VERIFICATION_LIFETIME: TimeDelta = TimeDelta::hours(24);

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    for (name, source) in [
        ("verify-email.txt", include_str!("../templates/verify-email.txt")),
        ("verify-email.html", include_str!("../templates/verify-email.html")),
    ] {
        if let Err(error) = templates.add_template(name, source) {
            tracing::error!(%error, "mail template broken");
        }
    }
    templates
});

/// 256 random bits in base64url: what is mailed; and their SHA-256: what is stored.
pub fn one_time_secret() -> anyhow::Result<(String, Vec<u8>)> {
    let mut secret = [0; 32];
    SystemRandom::new().fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
    let token = BASE64URL_NOPAD.encode(&secret);
    let hash = hash(&token);
    Ok((token, hash))
}

/// What is stored of a mailed secret.
pub fn hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

/// Asks the owner of `email` to prove it.
///
/// The account exists whether or not this succeeds, and the mail can be asked for again, so a failure is only logged.
pub async fn send_verification(state: &AuthState, email: &Email, name: &str, token: &str) {
    if let Err(error) = try_send_verification(state, email, name, token).await {
        tracing::error!(error = format!("{error:#}"), "verification mail not sent");
    }
}

async fn try_send_verification(
    state: &AuthState,
    email: &Email,
    name: &str,
    token: &str,
) -> anyhow::Result<()> {
    let mut link = state.app.config.web.app_url.join("/verify-email")?;
    link.query_pairs_mut().append_pair("token", token);
    let values = context! { name, link => link.as_str(), hours => VERIFICATION_LIFETIME.num_hours() };
    let mail = Mail {
        to: email.clone(),
        subject: "Confirm your e-mail address".to_owned(),
        text: TEMPLATES.get_template("verify-email.txt")?.render(&values)?,
        html: TEMPLATES.get_template("verify-email.html")?.render(&values)?,
    };
    Ok(state.mailer.send(mail).await?)
}
