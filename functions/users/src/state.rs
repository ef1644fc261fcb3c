//! What this function has beyond what every function has: the ledger of erasures.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{AppState, aws::s3::Bucket};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ERASURE_BUCKET"];

/// Created once in `main`.
#[derive(Clone)]
pub struct UsersState {
    /// What every function has.
    pub app: AppState,
    /// Where erasures are noted before they happen.
    pub ledger: Arc<Bucket>,
}

impl UsersState {
    /// With the bucket of the settings.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let ledger = Arc::new(Bucket::new(&app.config.storage.erasures, ""));
        Self { app, ledger }
    }
}

impl FromRef<UsersState> for AppState {
    fn from_ref(state: &UsersState) -> Self {
        state.app.clone()
    }
}
