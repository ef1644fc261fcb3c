//! Rate limits: fixed windows, counted in Redis, or in memory while Redis is unavailable.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use redis::Pipeline;
use ring::digest::{SHA256, digest};

use super::redis::Redis;
use crate::ReachedLimit;

/// The most subjects that the fallback counts. Above it, expired windows are dropped, then all.
const MAX_FALLBACK_SUBJECTS: usize = 10_000;

/// Subtracts one from each counter that still exists: a counter without an expiry would stay for ever.
const TAKE_BACK: &str = "
for i = 1, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECR', KEYS[i]) end
end";

/// Counts each of `KEYS` in its order, until one is above its limit. Returns the number of that key, from 1, or 0. ARGV: for each
/// key its maximum and its window in ms.
const TAKE_IN_ORDER: &str = "
for i = 1, #KEYS do
    local count = redis.call('INCR', KEYS[i])
    redis.call('PEXPIRE', KEYS[i], ARGV[2 * i])
    if count > tonumber(ARGV[2 * i - 1]) then return i end
end
return 0";

/// Allows at most `max` requests in each `window`.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Part of the Redis key; unique per purpose.
    pub name: &'static str,
    pub max: u32,
    pub window: Duration,
}

impl Limit {
    /// Returns the end of the window around `now`, as a Unix time in milliseconds.
    #[must_use]
    pub fn window_end(&self, now: DateTime<Utc>) -> i64 {
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX).max(1);
        (now.timestamp_millis() / window + 1) * window
    }

    /// Adds the commands that count `key`. The answer is the count.
    ///
    /// The window is part of the key, so the increment and the expiry need not be one atomic step.
    pub fn count(&self, commands: &mut Pipeline, key: &str) {
        commands.incr(key, 1).pexpire(key, self.window_millis()).ignore();
    }

    fn window_millis(&self) -> i64 {
        i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX)
    }

    /// Compares `count` requests in the window with the limit.
    #[must_use]
    pub fn check(&self, count: u32, now: DateTime<Utc>) -> RateLimitResult {
        let left = self.window_end(now).saturating_sub(now.timestamp_millis());
        RateLimitResult {
            limit: self.max,
            remaining: self.max.saturating_sub(count),
            allowed: count <= self.max,
            reset: Duration::from_secs(u64::try_from(left).unwrap_or(0).div_ceil(1000)),
        }
    }
}

/// Converts a count from Redis. It is negative if a request was counted in one window and removed in the next.
#[must_use]
pub fn counted(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// The result of a limit for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitResult {
    pub limit: u32,
    pub remaining: u32,
    pub allowed: bool,
    /// Time until the window ends, in whole seconds.
    pub reset: Duration,
}

impl RateLimitResult {
    /// Returns the limit, if the request is not allowed.
    #[must_use]
    pub fn reached(&self) -> Option<ReachedLimit> {
        (!self.allowed).then(|| ReachedLimit::new(self.limit, self.reset))
    }
}

/// Counts in memory while Redis is unavailable. Each instance counts its own requests, so more pass in total, up to the limit per
/// instance.
#[derive(Default)]
pub struct Fallback(Mutex<HashMap<String, (u32, i64)>>);

impl Fallback {
    /// Counts `key`, whose window ends at `window_end`.
    pub fn count(&self, key: &str, window_end: i64, now: DateTime<Utc>) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_FALLBACK_SUBJECTS && !counts.contains_key(key) {
            counts.retain(|_, (_, end)| *end > now.timestamp_millis());
            if counts.len() >= MAX_FALLBACK_SUBJECTS {
                counts.clear();
            }
        }
        let (count, _) = counts.entry(key.to_owned()).or_insert((0, window_end));
        *count = count.saturating_add(1);
        *count
    }

    /// Removes one request of `key` from its count.
    pub fn uncount(&self, key: &str) {
        if let Some((count, _)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }

    /// Removes the count of `key`.
    pub fn reset(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Counts requests against limits.
#[derive(Clone)]
pub struct RateLimiter {
    pub redis: Redis,
    pub fallback: Arc<Fallback>,
}

impl RateLimiter {
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis, fallback: Arc::default() }
    }

    /// Returns the Redis key that counts `subject` in the window around `now`.
    #[must_use]
    pub fn key(&self, limit: Limit, subject: &str, now: DateTime<Utc>) -> String {
        self.redis.key(&format!("limit:{}:{subject}:{}", limit.name, limit.window_end(now)))
    }

    /// Counts one request against each of `limits`, in one round trip. Returns the counts, and the limit that stays reached longest.
    pub async fn take(
        &self,
        limits: &[(Limit, String)],
        now: DateTime<Utc>,
    ) -> (Counts, Option<ReachedLimit>) {
        self.take_after(redis::pipe(), limits, now).await
    }

    /// Does the same as [`Self::take`], after `commands` without an answer, in the same round trip.
    pub async fn take_after(
        &self,
        mut commands: Pipeline,
        limits: &[(Limit, String)],
        now: DateTime<Utc>,
    ) -> (Counts, Option<ReachedLimit>) {
        let keys: Vec<_> = limits.iter().map(|(limit, subject)| self.key(*limit, subject, now)).collect();
        for ((limit, _), key) in limits.iter().zip(&keys) {
            limit.count(&mut commands, key);
        }
        let counts: Vec<u32> = if let Ok(counts) = self.redis.query::<Vec<i64>>(&commands).await {
            counts.into_iter().map(counted).collect()
        } else {
            let count = |((limit, _), key): (&(Limit, String), &String)| {
                self.fallback.count(key, limit.window_end(now), now)
            };
            limits.iter().zip(&keys).map(count).collect()
        };
        let reached =
            limits.iter().zip(counts).filter_map(|((limit, _), count)| limit.check(count, now).reached());
        (Counts(keys), reached.max_by_key(|reached| reached.wait))
    }

    /// Counts one request against `limits`, one after the other, until one is reached, in one round trip. Returns the place of the
    /// limit that is reached. The limits after it are not used up.
    pub async fn take_in_order(&self, limits: &[(Limit, String)], now: DateTime<Utc>) -> Option<usize> {
        let keys: Vec<_> = limits.iter().map(|(limit, subject)| self.key(*limit, subject, now)).collect();
        let mut commands = redis::pipe();
        let eval = commands.cmd("EVAL").arg(TAKE_IN_ORDER).arg(keys.len()).arg(&keys);
        for (limit, _) in limits {
            eval.arg(limit.max).arg(limit.window_millis());
        }
        if let Ok((reached,)) = self.redis.query::<(usize,)>(&commands).await {
            return reached.checked_sub(1);
        }
        limits.iter().zip(&keys).position(|((limit, _), key)| {
            let count = self.fallback.count(key, limit.window_end(now), now);
            !limit.check(count, now).allowed
        })
    }

    /// Takes one request back from each of `counts`.
    pub async fn take_back(&self, counts: &Counts) {
        let mut commands = redis::pipe();
        self.add_take_back(&mut commands, counts);
        if let Err(error) = self.redis.query::<()>(&commands).await {
            tracing::debug!(%error, "request not taken back from its counts");
        }
    }

    /// Adds the command of [`Self::take_back`] to `commands`. Takes back in memory at once.
    pub fn add_take_back(&self, commands: &mut Pipeline, Counts(keys): &Counts) {
        let eval = commands.cmd("EVAL").arg(TAKE_BACK).arg(keys.len());
        for key in keys {
            self.fallback.uncount(key);
            eval.arg(key);
        }
        eval.ignore();
    }
}

/// The counters to which a request was added.
#[derive(Debug, Clone, Default)]
pub struct Counts(pub Vec<String>);

/// Returns a hash that stands for an e-mail address in a key.
#[must_use]
pub fn pseudonym(email: &str) -> String {
    HEXLOWER.encode(&digest(&SHA256, email.to_lowercase().as_bytes()).as_ref()[..16])
}

/// Returns the subject that is counted for a source address: the address itself, or for IPv6 its /64, which belongs to one
/// subscriber (RFC 6177).
#[must_use]
pub fn subject(address: Option<IpAddr>) -> String {
    match address {
        Some(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            v6.to_ipv4_mapped().map_or_else(|| format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), |v4| v4.to_string())
        }
        Some(address) => address.to_string(),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_subscribers_ipv6_addresses_are_counted_together() {
        let of = |address: &str| subject(Some(address.parse().expect("an address")));
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn the_fallback_is_bounded() {
        let (fallback, now) = (Fallback::default(), DateTime::UNIX_EPOCH);
        for subject in 0..3 * MAX_FALLBACK_SUBJECTS {
            fallback.count(&subject.to_string(), 60_000, now);
        }
        assert!(fallback.0.lock().expect("a lock").len() <= MAX_FALLBACK_SUBJECTS);
    }
}
