//! How often: fixed windows, counted in Redis, or in this instance's memory while Redis is away.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use redis::Pipeline;
use ring::digest::{SHA256, digest};

use crate::AppState;

/// The most subjects the fallback remembers; beyond it the windows that ended are dropped, then all.
const FALLBACK_SUBJECTS: usize = 10_000;

/// At most `max` within each `window`.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Part of the key; one per purpose.
    pub name: &'static str,
    /// How many are allowed.
    pub max: u32,
    /// How long they count.
    pub window: Duration,
}

impl Limit {
    /// When the window around `now` ends, as a Unix time in milliseconds.
    #[must_use]
    pub fn window_end(&self, now: DateTime<Utc>) -> i64 {
        let window = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX).max(1);
        (now.timestamp_millis() / window + 1) * window
    }

    /// Adds the counting of `key` to `commands`: two answers, of which the first is the count.
    ///
    /// The window is part of the key, so that the count and its expiry need not be one atomic step.
    pub fn count(&self, commands: &mut Pipeline, key: &str) {
        let keep = i64::try_from(self.window.as_millis()).unwrap_or(i64::MAX);
        commands.incr(key, 1).pexpire(key, keep).ignore();
    }

    /// What `count` requests within the window mean.
    #[must_use]
    pub fn judge(&self, count: u32, now: DateTime<Utc>) -> Verdict {
        let left = self.window_end(now).saturating_sub(now.timestamp_millis());
        Verdict {
            limit: self.max,
            remaining: self.max.saturating_sub(count),
            allowed: count <= self.max,
            reset: Duration::from_secs(u64::try_from(left).unwrap_or(0).div_ceil(1000)),
        }
    }
}

/// A count as Redis has it; one that was taken back without ever being counted is none.
#[must_use]
pub fn counted(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// What a limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// How many the window allows.
    pub limit: u32,
    /// How many are left in it.
    pub remaining: u32,
    /// Whether this one was allowed.
    pub allowed: bool,
    /// How long until the window ends, in whole seconds.
    pub reset: Duration,
}

/// Counts in memory while Redis is away: each instance for itself, so the sum allows more, but never without end.
#[derive(Default)]
pub struct Fallback(Mutex<HashMap<String, (u32, i64)>>);

impl Fallback {
    /// Counts `key`, whose window ends at `window_end`.
    pub fn count(&self, key: &str, window_end: i64, now: DateTime<Utc>) -> u32 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= FALLBACK_SUBJECTS && !counts.contains_key(key) {
            counts.retain(|_, (_, end)| *end > now.timestamp_millis());
            if counts.len() >= FALLBACK_SUBJECTS {
                counts.clear();
            }
        }
        let (count, _) = counts.entry(key.to_owned()).or_insert((0, window_end));
        *count = count.saturating_add(1);
        *count
    }

    /// Takes one of `key` back.
    pub fn uncount(&self, key: &str) {
        if let Some((count, _)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }

    /// Takes all of `key` back.
    pub fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Counts one more of `subject`.
pub async fn take(state: &AppState, limit: Limit, subject: &str) -> Verdict {
    let now = state.clock.now();
    let key = state.redis.rate_limit_key(limit.name, subject, limit.window_end(now));
    let mut commands = redis::pipe();
    limit.count(&mut commands, &key);
    let count = match state.redis.query::<[i64; 1]>(&commands).await {
        Ok([count]) => counted(count),
        Err(_) => state.fallback.count(&key, limit.window_end(now), now),
    };
    limit.judge(count, now)
}

/// What stands for an e-mail address in a key.
#[must_use]
pub fn pseudonym(email: &str) -> String {
    HEXLOWER.encode(&digest(&SHA256, email.to_lowercase().as_bytes()).as_ref()[..16])
}

/// Who is counted for an address: itself, or its /64 for IPv6, of which one subscriber has all
/// (RFC 6177).
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
        for subject in 0..3 * FALLBACK_SUBJECTS {
            fallback.count(&subject.to_string(), 60_000, now);
        }
        assert!(fallback.0.lock().expect("a lock").len() <= FALLBACK_SUBJECTS);
    }
}
