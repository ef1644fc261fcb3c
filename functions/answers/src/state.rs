//! The state of this function: the shared state, the models, and the tasks that write answers.

use axum::extract::FromRef;
use shared::{
    AppState,
    domain::plan::{Limits, Plan},
    http::stream::Tasks,
    http_client::{chat::ChatModels, embeddings::Embeddings},
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS"];

/// Created once in `main`.
#[derive(Clone)]
pub struct AnswersState {
    pub app: AppState,
    pub models: ChatModels,
    pub embeddings: Embeddings,
    pub tasks: Tasks,
}

impl AnswersState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let models = ChatModels::new(&app.config, app.secrets.clone(), Some(app.redis.clone()));
        let embeddings = Embeddings::new(&app.config, app.secrets.clone(), Some(app.redis.clone()));
        Self { app, models, embeddings, tasks: Tasks::default() }
    }

    /// Returns what an organization may use.
    pub(crate) fn limits(&self) -> Limits {
        Plan::named(self.app.config.application.default_plan).unwrap_or(Plan::Free).limits()
    }
}

impl FromRef<AnswersState> for AppState {
    fn from_ref(state: &AnswersState) -> Self {
        state.app.clone()
    }
}
