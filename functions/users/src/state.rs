//! The state of this function: the shared state, and the ledger of erasures.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{AppState, aws::s3::Bucket};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ERASURE_BUCKET"];

/// Created once in `main`.
#[derive(Clone)]
pub struct UsersState {
    pub app: AppState,
    pub ledger: Arc<Bucket>,
}

impl UsersState {
    /// Creates the state. The ledger is in the bucket `ERASURE_BUCKET`.
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
