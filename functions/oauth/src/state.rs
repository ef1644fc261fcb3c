//! The state of this function: the shared state, and what it knows about the providers.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{
    AppState,
    http_client::HttpClient,
    mail::mailer::{Mailer, SesMailer},
};

use crate::endpoints::Known;

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ENCRYPTION_KEY"];

/// Created once in `main`.
#[derive(Clone)]
pub struct OauthState {
    pub app: AppState,
    pub(crate) http: HttpClient,
    pub(crate) known: Known,
    pub(crate) mailer: Arc<dyn Mailer>,
}

impl OauthState {
    /// Creates the state, with mail through SES.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let mailer = Arc::new(SesMailer::new(app.config.mail.clone()));
        Self::with_mailer(app, mailer)
    }

    /// Creates the state, with mail through `mailer`.
    #[must_use]
    pub fn with_mailer(app: AppState, mailer: Arc<dyn Mailer>) -> Self {
        let http = HttpClient::new(app.config.application.environment);
        Self { app, http, known: Known::default(), mailer }
    }
}

impl FromRef<OauthState> for AppState {
    fn from_ref(state: &OauthState) -> Self {
        state.app.clone()
    }
}
