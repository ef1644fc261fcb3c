//! The state of this function: the shared state, and what it knows about the providers.

use axum::extract::FromRef;
use shared::{AppState, http_client::HttpClient};

use crate::endpoints::Known;

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS", "ENCRYPTION_KEY"];

/// Created once in `main`.
#[derive(Clone)]
pub struct OauthState {
    pub app: AppState,
    pub(crate) http: HttpClient,
    pub(crate) known: Known,
}

impl OauthState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let http = HttpClient::new(app.config.application.environment);
        Self { app, http, known: Known::default() }
    }
}

impl FromRef<OauthState> for AppState {
    fn from_ref(state: &OauthState) -> Self {
        state.app.clone()
    }
}
