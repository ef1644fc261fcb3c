//! Brings artifacts to their final state: cuts extracted texts into chunks and has them embedded, and writes down what `extract` reports
//! and what becomes a dead letter.

mod dead_letters;
mod indexing;
mod reindexing;
mod reports;
mod text;
mod vectors;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use shared::{
    aws::{s3::Bucket, secrets::Secrets, sqs::Queue},
    cache::redis::Redis,
    config::{Config, ConfigError, Prices},
    db::{Db, Tx},
    domain::{
        clock::{Clock, SystemClock},
        ingestion::{IndexKind, IndexMessage, ReindexMessage, Upload},
        plan::{Limits, Plan},
    },
    http_client::embeddings::Embeddings,
    lambda::queue::{Message, TryAgain},
    store,
    store::ingestion::State as Artifact,
};

/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL", "ARTIFACT_BUCKET", "INDEX_QUEUE_URL"];

/// Created once in `main`.
pub struct State {
    db: Db,
    artifacts: Bucket,
    queue: Queue,
    embeddings: Embeddings,
    /// The model that replaces it soon.
    next_embeddings: Option<Embeddings>,
    prices: Prices,
    limits: Limits,
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    let config = Config::from_env(REQUIRED)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let secrets = Secrets::new(config.keys.max_age, Arc::clone(&clock));
    // Only for the breakers of the models.
    let redis = Redis::new(config.cache.clone(), secrets.clone());
    Ok(State {
        embeddings: Embeddings::new(&config, secrets.clone(), Some(redis.clone())),
        next_embeddings: Embeddings::next(&config, secrets.clone(), Some(redis)),
        prices: config.models.prices.clone(),
        artifacts: Bucket::new(&config.storage.artifacts, ""),
        queue: Queue::new(&config.storage.index_queue),
        limits: Plan::named(config.application.default_plan).unwrap_or(Plan::Free).limits(),
        db: Db::new(config.database, secrets, None, clock),
    })
}

/// Handles a message of one of the queues. Safe to run again, with messages in any order.
pub async fn handle(state: &State, message: &Message) -> anyhow::Result<()> {
    if message.queue.ends_with("extract-dead-letters") {
        return dead_letters::extraction(state, message).await;
    }
    if let Ok(ReindexMessage { reindex }) = serde_json::from_str(&message.body) {
        return reindexing::handle(state, reindex, message).await;
    }
    // serde's message can repeat a value.
    let IndexMessage { upload, kind } = serde_json::from_str(&message.body).map_err(|error| {
        anyhow::anyhow!("invalid message: line {}, column {}", error.line(), error.column())
    })?;
    if message.queue.ends_with("index-dead-letters") {
        return dead_letters::indexing(state, &upload, kind, message).await;
    }
    match kind {
        IndexKind::Extracting => reports::extracting(state, &upload).await,
        IndexKind::Failed { failure, detail } => {
            reports::failed(state, &upload, failure, detail.as_deref(), message).await
        }
        IndexKind::Missing => reports::missing(state, &upload, message).await,
        IndexKind::Extracted { .. } => indexing::run(state, &upload, true, message).await,
        IndexKind::Continue => indexing::run(state, &upload, false, message).await,
    }
}

/// Locks the artifact of `upload`. `None` if nothing may change: it is deleted, in a final state, or has a newer upload.
///
/// Fails if there is no such artifact or upload: S3 can report a file before the request that created it has committed.
async fn lock(tx: &mut Tx, upload: &Upload) -> anyhow::Result<Option<Artifact>> {
    let artifact = store::ingestion::lock(tx, upload).await?.context("no such artifact")?;
    anyhow::ensure!(upload.generation <= artifact.generation, "no such upload of the artifact");
    if artifact.deleted_at.is_some() || upload.generation < artifact.generation {
        // Its objects may have been written after they were deleted: the link of an upload stays valid, and nothing counts their bytes.
        store::object_deletions::insert_upload(tx, *upload).await?;
        return Ok(None);
    }
    Ok(Some(artifact).filter(|artifact| !artifact.is_final()))
}

/// Fails a message that may succeed after `delay`, and lets the queue deliver it again then.
async fn try_again(state: &State, message: &Message, delay: Duration, why: String) -> anyhow::Error {
    if let Err(error) = state.queue.return_after(&message.receipt, delay).await {
        // The queue delivers it again after its visibility timeout.
        tracing::warn!(message.id, error = format!("{error:#}"), "visibility of a message not changed");
    }
    TryAgain(why).into()
}
