//! State that authorization leaves: the transaction that the handler continues, and writes that run after the handler.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::request::Parts;
use serde::Serialize;
use tokio::time::{Instant, timeout};

use crate::{
    ApiError, AppState,
    cache::invalidation::{CacheKey, Cached},
    db::{Db, Tx},
    domain::ids::ApiKeyId,
    store,
};

/// The response waits for the record of an API key's use at most this long.
const RECORD_TIMEOUT: Duration = Duration::from_secs(1);

/// Shared by the gate, which creates and finishes it, the extractors and the handler.
#[derive(Clone, Default)]
pub(crate) struct Pending(Arc<Mutex<Inner>>);

/// What the database says about the request's credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody asked it.
    #[default]
    Unknown,
    /// The API key is valid.
    Verified {
        /// The limit of requests that an administrator has set; 0 if none has.
        raised: u32,
    },
    /// The session has ended, or the API key is not valid.
    Refused,
}

#[derive(Default)]
struct Inner {
    verdict: Verdict,
    /// Begun by an extractor, continued by the handler.
    tx: Option<Tx>,
    to_cache: Vec<Cached>,
    used_key: Option<ApiKeyId>,
}

impl Pending {
    pub fn of(parts: &Parts) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| anyhow::anyhow!("the gate layer is missing").into())
    }

    pub fn take_transaction(&self) -> Option<Tx> {
        self.locked().tx.take()
    }

    /// Returns the transaction that another extractor began, or begins one.
    pub async fn begin(&self, db: &Db) -> anyhow::Result<Tx> {
        match self.take_transaction() {
            Some(tx) => Ok(tx),
            None => db.begin().await,
        }
    }

    pub fn put_transaction(&self, tx: Tx) {
        self.locked().tx = Some(tx);
    }

    /// Caches `value`, whose read from the database began at `read_at`, when the request ends.
    pub fn cache(&self, key: CacheKey, value: &impl Serialize, read_at: Instant) {
        if let Ok(json) = serde_json::to_string(value) {
            self.locked().to_cache.push(Cached { key, json, read_at });
        }
    }

    /// Decides who pays for the request.
    pub fn judge(&self, verdict: Verdict) {
        self.locked().verdict = verdict;
    }

    pub fn verdict(&self) -> Verdict {
        self.locked().verdict
    }

    /// Records the use of an API key when the request ends.
    ///
    /// Not in the handler's transaction: it may be rolled back, and it locks the organization before the key.
    pub fn record_use(&self, key: ApiKeyId) {
        self.locked().used_key = Some(key);
    }

    /// Rolls back a transaction that no handler continued, because the request was refused. Then runs the pending writes.
    pub async fn finish(self, state: &AppState) {
        let Inner { tx, to_cache, used_key, .. } = std::mem::take(&mut *self.locked());
        if let Some(tx) = tx {
            state.db.roll_back(tx).await;
        }
        state.redis.cache(&to_cache).await;
        if let Some(key) = used_key {
            let record = async |tx: &mut Tx| anyhow::Ok(store::api_keys::record_use(tx, key).await?);
            let recorded = timeout(RECORD_TIMEOUT, state.db.transaction_as(record)).await;
            if let Err(error) = recorded.map_err(anyhow::Error::from).flatten() {
                tracing::warn!(error = format!("{error:#}"), "use of an API key not recorded");
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
