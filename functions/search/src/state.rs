//! The state of this function: the shared state, and the embedding model.

use axum::extract::FromRef;
use shared::{AppState, http_client::embeddings::Embeddings};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS"];

/// Created once in `main`.
#[derive(Clone)]
pub struct SearchState {
    pub app: AppState,
    pub embeddings: Embeddings,
}

impl SearchState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let embeddings = Embeddings::new(&app.config, app.secrets.clone(), Some(app.redis.clone()));
        Self { app, embeddings }
    }
}

impl FromRef<SearchState> for AppState {
    fn from_ref(state: &SearchState) -> Self {
        state.app.clone()
    }
}
