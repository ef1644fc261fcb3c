//! The cache of sessions and profiles, and its invalidation.
//!
//! A value is trusted for [`CACHE_TTL`]. A change writes a tombstone over it after the commit. A tombstone says "ask the
//! database", so it may also be written when the outcome of the commit is unknown. It stays for [`TOMBSTONE_TTL`], longer than
//! any read of the database that began before the change. Such a read cannot replace it, because a value is written only if the
//! key is absent (`SET NX`). Without Redis a change is seen within [`CACHE_TTL`] (`docs/adr/0004-session-cache-of-five-seconds.md`).

use std::time::Duration;

use super::redis::Redis;
use crate::domain::ids::{SessionId, UserId};

/// How long a value is trusted without asking the database.
const CACHE_TTL: Duration = Duration::from_secs(5);
/// How long a tombstone stays.
const TOMBSTONE_TTL: Duration = Duration::from_mins(1);
/// Not JSON, so no reader takes it for a value.
const TOMBSTONE: &str = "changed";

/// A value that instances cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKey {
    /// [`LiveSession`](crate::store::sessions::LiveSession)
    Session(SessionId),
    /// [`CachedProfile`](crate::auth::profile::CachedProfile)
    Profile(UserId),
}

impl Redis {
    /// Returns the name of `key` in Redis.
    pub(crate) fn cache_key(&self, key: CacheKey) -> String {
        match key {
            CacheKey::Session(id) => self.key(&format!("session:{id}")),
            CacheKey::Profile(id) => self.key(&format!("account:{id}")),
        }
    }

    /// Caches values (JSON). Keeps a value or a tombstone that is already there.
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
