//! The state of this function. Add what it needs beside that of every function.

use axum::extract::FromRef;
use shared::AppState;

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS"];

/// Created once in `main`.
#[derive(Clone)]
pub struct ArtifactsState {
    pub app: AppState,
}

impl ArtifactsState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        Self { app }
    }
}

impl FromRef<ArtifactsState> for AppState {
    fn from_ref(state: &ArtifactsState) -> Self {
        state.app.clone()
    }
}
