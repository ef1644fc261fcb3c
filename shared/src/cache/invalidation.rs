//! The cache of sessions and profiles, and its invalidation.
//!
//! A value is trusted for [`CACHE_TTL`]. A change writes a tombstone over it after the commit. A tombstone says "ask the
//! database", so it may also be written when the outcome of the commit is unknown. It stays for [`TOMBSTONE_TTL`], longer than
//! any read of the database that began before the change. Such a read cannot replace it, because a value is written only if the
//! key is absent (`SET NX`). Without Redis a change is seen within [`CACHE_TTL`] (`docs/adr/0004-session-cache-of-five-seconds.md`).

use std::time::Duration;

use tokio::time::Instant;

use super::redis::Redis;
use crate::domain::ids::{SessionId, UserId};

/// The time for which a value is trusted without asking the database.
const CACHE_TTL: Duration = Duration::from_secs(5);
/// The lifetime of a tombstone.
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

/// A value that was read from the database, to be cached.
pub(crate) struct Cached {
    pub key: CacheKey,
    pub json: String,
    /// The time at which the read began. The value is trusted from then on, also if it is written to Redis much later: a change in
    /// the time between may have left no tombstone, because Redis was unavailable.
    pub read_at: Instant,
}

impl Cached {
    /// Returns how long the value may still be trusted, in milliseconds; `None` if no longer.
    fn ttl_millis(&self) -> Option<u64> {
        let left = CACHE_TTL.checked_sub(self.read_at.elapsed())?;
        u64::try_from(left.as_millis()).ok().filter(|millis| *millis > 0)
    }
}

impl Redis {
    /// Returns the name of `key` in Redis.
    pub(crate) fn cache_key(&self, key: CacheKey) -> String {
        match key {
            CacheKey::Session(id) => self.key(&format!("session:{id}")),
            CacheKey::Profile(id) => self.key(&format!("account:{id}")),
        }
    }

    /// Caches values. Keeps a value or a tombstone that is already there.
    pub(crate) async fn cache(&self, values: &[Cached]) {
        let mut commands = redis::pipe();
        for value in values {
            let Some(ttl) = value.ttl_millis() else { continue };
            let name = self.cache_key(value.key);
            commands.cmd("SET").arg(name).arg(&value.json).arg("NX").arg("PX").arg(ttl).ignore();
        }
        if commands.is_empty() {
            return;
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_value_is_not_trusted_longer_because_it_is_written_late() {
        let ttl = |age: Duration| {
            let read_at = Instant::now().checked_sub(age).expect("an instant");
            let key = CacheKey::Session(SessionId(Uuid::nil()));
            Cached { key, json: String::new(), read_at }.ttl_millis()
        };
        assert!(ttl(Duration::ZERO).is_some_and(|left| left > 4_000));
        assert!(ttl(Duration::from_secs(3)).is_some_and(|left| left <= 2_000));
        assert_eq!(ttl(CACHE_TTL), None);
        assert_eq!(ttl(Duration::from_secs(25)), None);
    }
}
