//! The state of this function: the shared state, the ledger of erasures, and a mailer.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{
    AppState,
    aws::s3::Bucket,
    mail::mailer::{Mailer, SesMailer},
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ERASURE_BUCKET"];

/// Created once in `main`.
#[derive(Clone)]
pub struct UsersState {
    pub app: AppState,
    pub ledger: Arc<Bucket>,
    pub mailer: Arc<dyn Mailer>,
}

impl UsersState {
    /// Creates the state, with mail through SES. The ledger is in the bucket `ERASURE_BUCKET`.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let mailer = Arc::new(SesMailer::new(app.config.mail.clone()));
        Self::with_mailer(app, mailer)
    }

    /// Creates the state, with mail through `mailer`.
    #[must_use]
    pub fn with_mailer(app: AppState, mailer: Arc<dyn Mailer>) -> Self {
        let ledger = Arc::new(Bucket::new(&app.config.storage.erasures, ""));
        Self { app, ledger, mailer }
    }
}

impl FromRef<UsersState> for AppState {
    fn from_ref(state: &UsersState) -> Self {
        state.app.clone()
    }
}
