//! State that authorization leaves: the transaction that the handler continues, and writes that run after the handler.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::request::Parts;
use serde::Serialize;

use crate::{ApiError, AppState, cache::invalidation::CacheKey, db::Tx, domain::ids::ApiKeyId, store};

/// Shared by the gate, which creates and finishes it, the extractors and the handler.
#[derive(Clone, Default)]
pub(crate) struct Pending(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// Begun by an extractor, continued by the handler.
    tx: Option<Tx>,
    /// JSON.
    to_cache: Vec<(CacheKey, String)>,
    used_key: Option<ApiKeyId>,
}

impl Pending {
    pub fn of(parts: &Parts) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| anyhow::anyhow!("the gate layer is missing").into())
    }

    pub fn take_transaction(&self) -> Option<Tx> {
        self.locked().tx.take()
    }

    pub fn put_transaction(&self, tx: Tx) {
        self.locked().tx = Some(tx);
    }

    /// Caches `value`, read from the database, when the request ends.
    pub fn cache(&self, key: CacheKey, value: &impl Serialize) {
        if let Ok(value) = serde_json::to_string(value) {
            self.locked().to_cache.push((key, value));
        }
    }

    /// Records the use of an API key when the request ends.
    ///
    /// Not in the handler's transaction: it may be rolled back, and it locks the organization before the key.
    pub fn record_use(&self, key: ApiKeyId) {
        self.locked().used_key = Some(key);
    }

    /// Rolls back a transaction that no handler continued, because the request was refused. Then runs the pending writes.
    pub async fn finish(self, state: &AppState) {
        let Inner { tx, to_cache, used_key } = std::mem::take(&mut *self.locked());
        if let Some(tx) = tx {
            state.db.roll_back(tx).await;
        }
        state.redis.cache(&to_cache).await;
        if let Some(key) = used_key {
            let record = async |tx: &mut Tx| anyhow::Ok(store::api_keys::record_use(tx, key).await?);
            if let Err(error) = state.db.transaction_as(record).await {
                tracing::warn!(error = format!("{error:#}"), "use of an API key not recorded");
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
