//! The state of this function: the shared state, the bucket of the files, and the queues that process them.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::{
    AppState,
    aws::{s3::Bucket, sqs::Queue},
    domain::plan::{Limits, Plan},
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &[
    "DATABASE_URL",
    "REDIS_URL",
    "JWT_PUBLIC_KEYS",
    "ENCRYPTION_KEY",
    "ARTIFACT_BUCKET",
    "EXTRACT_QUEUE_URL",
    "INDEX_QUEUE_URL",
];

/// Created once in `main`.
#[derive(Clone)]
pub struct ArtifactsState {
    pub app: AppState,
    pub bucket: Arc<Bucket>,
    pub extract: Arc<Queue>,
    pub index: Arc<Queue>,
}

impl ArtifactsState {
    #[must_use]
    pub fn new(app: AppState) -> Self {
        let storage = &app.config.storage;
        let bucket = Arc::new(Bucket::new(&storage.artifacts, ""));
        let extract = Arc::new(Queue::new(&storage.extract_queue));
        let index = Arc::new(Queue::new(&storage.index_queue));
        Self { app, bucket, extract, index }
    }

    /// Returns what an organization may have.
    pub(crate) fn limits(&self) -> Limits {
        Plan::named(self.app.config.application.default_plan).unwrap_or(Plan::Free).limits()
    }
}

impl FromRef<ArtifactsState> for AppState {
    fn from_ref(state: &ArtifactsState) -> Self {
        state.app.clone()
    }
}
