//! One erasure, from its entry in the ledger to the outcome of its transaction.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};

use super::{CANCELLED, CONFIRMED, Entry, new_key};
use crate::{aws::s3::Bucket, domain::ids::UserId};

/// One erasure. Its transaction may run several times and has one entry.
pub struct Attempt<'a> {
    ledger: &'a Bucket,
    entry: OnceLock<String>,
    is_done: AtomicBool,
}

impl<'a> Attempt<'a> {
    #[must_use]
    pub fn new(ledger: &'a Bucket) -> Self {
        Self { ledger, entry: OnceLock::new(), is_done: AtomicBool::new(false) }
    }

    /// Writes the entry for `users`. Call it in the transaction, before the erasure.
    pub async fn append(&self, users: &[UserId], now: DateTime<Utc>) -> anyhow::Result<()> {
        self.is_done.store(false, Ordering::Relaxed);
        if self.entry.get().is_some() {
            // The first run wrote it: a run that could not is not repeated.
            return Ok(());
        }
        let key = self.entry.get_or_init(|| new_key(now));
        let entry = Entry { erased_at: now, users: users.to_vec() };
        Ok(self.ledger.put_new(key, serde_json::to_vec(&entry)?).await?)
    }

    /// Notes that only the commit is left. From here on an error does not show that the transaction was rolled back.
    pub fn set_done(&self) {
        self.is_done.store(true, Ordering::Relaxed);
    }

    /// Writes the outcome of the transaction, unless it is unknown. If that fails, `retention` or a restore finds the entry without an
    /// outcome.
    pub async fn finish(&self, is_committed: bool) {
        let Some(entry) = self.entry.get() else { return };
        let outcome = match (is_committed, self.is_done.load(Ordering::Relaxed)) {
            (true, _) => CONFIRMED,
            (false, false) => CANCELLED,
            (false, true) => {
                tracing::warn!(ledger.entry = entry, "outcome of an erasure unknown");
                return;
            }
        };
        if let Err(error) = self.ledger.put_new(&format!("{entry}{outcome}"), Vec::new()).await {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(ledger.entry = entry, error, "outcome of an erasure not written to the ledger");
        }
    }
}
