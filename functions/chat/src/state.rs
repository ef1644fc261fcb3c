//! The state of this function: the shared state.

use axum::extract::FromRef;
use shared::{
    AppState,
    domain::plan::{Limits, Plan},
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ENCRYPTION_KEY"];

/// Created once in `main`.
#[derive(Clone)]
pub struct ChatState {
    pub app: AppState,
}

impl ChatState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        Self { app }
    }

    /// Returns what an organization may use.
    pub(crate) fn limits(&self) -> Limits {
        Plan::named(self.app.config.application.default_plan).unwrap_or(Plan::Free).limits()
    }
}

impl FromRef<ChatState> for AppState {
    fn from_ref(state: &ChatState) -> Self {
        state.app.clone()
    }
}
