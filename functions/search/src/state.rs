//! The state of this function. Add what it needs beside that of every function.

use axum::extract::FromRef;
use shared::AppState;

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS"];

/// Created once in `main`.
#[derive(Clone)]
pub struct SearchState {
    pub app: AppState,
}

impl SearchState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        Self { app }
    }
}

impl FromRef<SearchState> for AppState {
    fn from_ref(state: &SearchState) -> Self {
        state.app.clone()
    }
}
