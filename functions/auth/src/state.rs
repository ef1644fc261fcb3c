//! The state of this function: besides the shared state, what it needs to sign, hash and mail.

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
    "ARTIFACT_BUCKET",
];

/// Lambda allows ten seconds for init, then starts it again.
const WARM_TIMEOUT: Duration = Duration::from_secs(6);

/// Created once in `main`.
#[derive(Clone)]
pub struct AuthState {
    pub app: AppState,
    pub signer: Signer,
    pub passwords: Passwords,
    pub mailer: Arc<dyn Mailer>,
}

impl AuthState {
    /// Creates the state, with mail through SES.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let mailer = Arc::new(SesMailer::new(app.config.mail.clone()));
        Self::with_mailer(app, mailer)
    }

    /// Creates the state, with mail through `mailer`.
    #[must_use]
    pub fn with_mailer(app: AppState, mailer: Arc<dyn Mailer>) -> Self {
        let signer = Signer::new(app.secrets.clone(), Arc::new(app.config.tokens.clone()));
        Self { app, signer, passwords: Passwords::default(), mailer }
    }

    /// Connects to the services and reads the secrets that a first request needs, all at the same time.
    ///
    /// Ignores errors: the request that needs the service tries again, and reports the error.
    pub async fn warm(&self) {
        let keys = async { tokio::join!(self.signer.check(), self.refresh_keys(), self.session_key()) };
        let all = async { tokio::join!(self.app.warm(), keys) };
        _ = timeout(WARM_TIMEOUT, Box::pin(all)).await;
    }

    /// Returns the keys of refresh tokens.
    pub(crate) async fn refresh_keys(&self) -> anyhow::Result<RefreshKeys> {
        let secret = self.app.secrets.get(&self.app.config.tokens.refresh_secret).await?;
        Keyring::parse(&secret, mac_key)
    }

    /// Reads the keys of refresh tokens again, at most as often as [`Secrets::renew`](shared::aws::secrets::Secrets::renew) allows.
    pub(crate) async fn renewed_refresh_keys(&self) -> anyhow::Result<RefreshKeys> {
        let secret = self.app.secrets.renew(&self.app.config.tokens.refresh_secret).await?;
        Keyring::parse(&secret, mac_key)
    }

    /// Returns the key of the hashes of mailed codes, of recovery codes, and of the accounts in throttles; and of the tokens of devices.
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
