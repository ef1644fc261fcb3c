//! The service itself: its health, its public settings, its public keys and its OpenAPI document.

mod config;
mod health;
mod jwks;
mod openapi;
mod ready;

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{AppState, http::Routes, routes};
use tokio::sync::Mutex;

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS"];

/// Created once in `main`.
#[derive(Clone)]
pub struct SystemState {
    app: AppState,
    last_readiness: Arc<Mutex<Option<ready::Cached>>>,
}

impl SystemState {
    /// Does not connect: `/health` needs no dependency.
    #[must_use]
    pub fn new(app: AppState) -> Self {
        Self { app, last_readiness: Arc::default() }
    }
}

impl FromRef<SystemState> for AppState {
    fn from_ref(state: &SystemState) -> Self {
        state.app.clone()
    }
}

/// The public routes.
#[must_use]
pub fn routes<R: Routes<SystemState>>() -> R {
    R::default().routes(routes!(jwks::jwks)).routes(routes!(config::config)).routes(routes!(openapi::openapi))
}

/// The routes for monitoring.
#[must_use]
pub fn probes<R: Routes<SystemState>>() -> R {
    R::default().routes(routes!(health::health)).routes(routes!(ready::ready))
}
