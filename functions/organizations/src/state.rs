//! The state of this function: the shared state, and a mailer.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{
    AppState,
    mail::mailer::{Mailer, SesMailer},
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ENCRYPTION_KEY"];

/// Created once in `main`.
#[derive(Clone)]
pub struct OrganizationsState {
    pub app: AppState,
    pub mailer: Arc<dyn Mailer>,
}

impl OrganizationsState {
    /// Sends mail through SES.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let mailer = Arc::new(SesMailer::new(app.config.mail.clone()));
        Self { app, mailer }
    }
}

impl FromRef<OrganizationsState> for AppState {
    fn from_ref(state: &OrganizationsState) -> Self {
        state.app.clone()
    }
}
