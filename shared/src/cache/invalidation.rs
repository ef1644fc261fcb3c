//! What is cached, and how a change invalidates it.
//!
//! A value is trusted for [`CACHE_TTL`]. A change writes a tombstone over it after the commit. A tombstone says "ask the
//! database", so it may also be written when the outcome of the commit is unknown. It stays for [`TOMBSTONE_TTL`], longer than
//! any read of the database that began before the change; such a read cannot replace it, because values are written only where
//! nothing is (`SET NX`). Without Redis a change is seen within [`CACHE_TTL`] (`docs/adr/0004-session-cache-of-five-seconds.md`).

use std::time::Duration;

use super::redis::Redis;
use crate::domain::ids::{SessionId, UserId};

/// How long a value is trusted without asking the database.
const CACHE_TTL: Duration = Duration::from_secs(5);
/// How long a tombstone stays.
const TOMBSTONE_TTL: Duration = Duration::from_mins(1);
/// Not JSON, so no reader takes it for a value.
const TOMBSTONE: &str = "changed";

/// What other instances may have cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKey {
    /// [`LiveSession`](crate::store::sessions::LiveSession)
    Session(SessionId),
    /// [`CachedProfile`](crate::auth::profile::CachedProfile)
    Profile(UserId),
}

impl Redis {
    /// The Redis key under which `key` is cached.
    pub(crate) fn cache_key(&self, key: CacheKey) -> String {
        match key {
            CacheKey::Session(id) => self.key(&format!("session:{id}")),
            CacheKey::Profile(id) => self.key(&format!("account:{id}")),
        }
    }

    /// Caches values (JSON), each unless a value or a tombstone is there.
    pub(crate) async fn cache(&self, values: &[(CacheKey, String)]) {
        if values.is_empty() {
            return;
        }
        let mut commands = redis::pipe();
        for (key, value) in values {
            let name = self.cache_key(*key);
            commands.cmd("SET").arg(name).arg(value).arg("NX").arg("EX").arg(CACHE_TTL.as_secs()).ignore();
        }
        if let Err(error) = self.query::<()>(&commands).await {
            tracing::debug!(%error, "values not cached");
        }
    }

    /// Makes every instance read `keys` from the database again.
    pub(crate) async fn invalidate(&self, keys: &[CacheKey]) {
        if keys.is_empty() {
            return;
        }
        let mut commands = redis::pipe();
        for key in keys {
            let name = self.cache_key(*key);
            commands.cmd("SET").arg(name).arg(TOMBSTONE).arg("EX").arg(TOMBSTONE_TTL.as_secs()).ignore();
        }
        if let Err(error) = self.query::<()>(&commands).await {
            tracing::warn!(%error, "cache not invalidated; changes are seen within seconds");
        }
    }
}
