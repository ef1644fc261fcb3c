//! What this function has beyond what every function has: it signs, hashes and mails.

use std::{sync::Arc, time::Duration};

use axum::extract::FromRef;
use ring::hmac;
use shared::{
    AppState,
    crypto::{
        access_token::Signer,
        keyring::{Keyring, mac_key},
        password::Passwords,
    },
    mail::mailer::{Mailer, SesMailer},
};
use tokio::time::timeout;

use crate::sessions::refresh_token::RefreshKeys;

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &[
    "DATABASE_URL",
    "REDIS_URL",
    "JWT_SECRET",
    "JWT_PUBLIC_KEYS",
    "JWT_REFRESH_SECRET",
    "SESSION_SECRET",
    "ENCRYPTION_KEY",
];

/// Lambda gives init ten seconds, and begins anew when they are over.
const INIT: Duration = Duration::from_secs(6);

/// Made once in `main`.
#[derive(Clone)]
pub struct AuthState {
    /// What every function has.
    pub app: AppState,
    /// Signs access tokens.
    pub signer: Signer,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Sends mail.
    pub mailer: Arc<dyn Mailer>,
}

impl AuthState {
    /// With mail through SES.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let mailer = Arc::new(SesMailer::new(app.config.mail.from.clone()));
        Self::with_mailer(app, mailer)
    }

    /// With mail through `mailer`.
    #[must_use]
    pub fn with_mailer(app: AppState, mailer: Arc<dyn Mailer>) -> Self {
        let signer = Signer::new(app.secrets.clone(), Arc::new(app.config.tokens.clone()));
        Self { app, signer, passwords: Passwords::default(), mailer }
    }

    /// Dials and reads what a first request needs, all at once.
    ///
    /// Whatever fails is read again by the request that needs it, which says so.
    pub async fn warm(&self) {
        let keys = async { tokio::join!(self.signer.check(), self.refresh_keys(), self.session_key()) };
        let all = async { tokio::join!(self.app.warm(), keys) };
        _ = timeout(INIT, Box::pin(all)).await;
    }

    /// The keys of refresh tokens.
    pub(crate) async fn refresh_keys(&self) -> anyhow::Result<RefreshKeys> {
        let secret = self.app.secrets.get(&self.app.config.tokens.refresh_secret).await?;
        Keyring::parse(&secret, mac_key)
    }

    /// The same read again, as often as [`Secrets::renew`](shared::aws::secrets::Secrets::renew) allows.
    pub(crate) async fn renewed_refresh_keys(&self) -> anyhow::Result<RefreshKeys> {
        let secret = self.app.secrets.renew(&self.app.config.tokens.refresh_secret).await?;
        Keyring::parse(&secret, mac_key)
    }

    /// The key of the hashes under which throttles know an account.
    pub(crate) async fn session_key(&self) -> anyhow::Result<hmac::Key> {
        let secret = self.app.secrets.get(&self.app.config.keys.session_secret).await?;
        mac_key(&secret).map(|(_, key)| key)
    }
}

impl FromRef<AuthState> for AppState {
    fn from_ref(state: &AuthState) -> Self {
        state.app.clone()
    }
}
