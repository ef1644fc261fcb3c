//! Limits of attempts at the secret of an account.
//!
//! Per account *and* guesser: after [`FREE_ATTEMPTS`] each further attempt has to wait, twice as long every time. A guesser is a
//! source, a known device or a session. Per account: after [`MAX_FAILURES`] in a row, from all sources together, no further
//! attempt is checked (NIST SP 800-63B, 5.2.2). A known device and a session have a count of their own, so a stranger's failures
//! do not keep the owner out. And per source, whatever the account, so that one source cannot try one password on every account
//! (OWASP Credential Stuffing Prevention Cheat Sheet). An account that does not exist is counted too.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use shared::{
    ApiError, ReachedLimit,
    cache::rate_limit::{Counts, Limit, subject},
    domain::{actor::RequestInfo, ids::SessionId},
};

use super::pseudonym;
use crate::{AuthState, refusals, sign_in::device::Device};

const WINDOW: Duration = Duration::from_mins(15);
/// The attempts at one account, from one guesser, that do not have to wait.
const FREE_ATTEMPTS: u32 = 10;
/// The delay of the first attempt that has to wait.
const FIRST_DELAY: Duration = Duration::from_secs(30);
const MAX_DELAY: Duration = Duration::from_mins(15);
/// The count of an account that had to wait is deleted this long after its last attempt; another count after [`WINDOW`].
const ATTEMPTS_TTL: Duration = Duration::from_hours(24);
/// The failures in a row after which no attempt is checked.
const MAX_FAILURES: u32 = 100;
/// The count of failures in a row is deleted this long after the last one, for each failure: so in the long run, a guesser has
/// one attempt in this time.
const FAILURE_TTL: Duration = Duration::from_hours(24);
/// Attempts of one source.
const ATTEMPTS_PER_SOURCE: Limit = Limit { name: "guesses-by-source", max: 100, window: WINDOW };
/// Attempts at one account from one /48: an IPv6 customer may have as many sources as it has /64s.
const ATTEMPTS_PER_NETWORK: Limit = Limit { name: "guesses-by-network", max: 50, window: WINDOW };
/// While Redis is unavailable, attempts are counted in memory, without delays.
const FALLBACK_ATTEMPTS: Limit = Limit { name: "guesses", max: FREE_ATTEMPTS, window: WINDOW };
const FALLBACK_FAILURES: Limit = Limit { name: "failures", max: MAX_FAILURES, window: ATTEMPTS_TTL };
/// Guesses at the codes mailed to one account, from all sources together.
const CODE_GUESSES_PER_ACCOUNT: Limit = Limit { name: "codes", max: 20, window: Duration::from_hours(24) };

/// The first of `KEYS` in [`COUNT_ATTEMPT`] that is a further limit.
const FIRST_LIMIT: i64 = 3;

/// Decides about an attempt, and counts it if it is allowed. Returns the reason and a time in ms: 0 allowed; 1 too many failures in
/// a row, and the rest of their lifetime; 2 a delay, and the rest of it; `i` the limit of `KEYS[i]` is reached.
///
/// KEYS: the delay, the failures in a row, and the counters of further limits. ARGV: now, the number of free attempts, the first
/// delay, the longest, the TTL of a delay, the TTL without one, the most failures, the TTL of a failure; and for each further limit
/// its maximum and its window (times in ms).
const COUNT_ATTEMPT: &str = "
local failures = tonumber(redis.call('GET', KEYS[2])) or 0
if failures >= tonumber(ARGV[7]) then return {1, redis.call('PTTL', KEYS[2])} end
local state = redis.call('HMGET', KEYS[1], 'count', 'open')
local count, open, now = tonumber(state[1]) or 0, tonumber(state[2]) or 0, tonumber(ARGV[1])
if open > now then return {2, open - now} end
for i = 3, #KEYS do
    if (tonumber(redis.call('GET', KEYS[i])) or 0) >= tonumber(ARGV[2 * i + 3]) then return {i, 0} end
end
for i = 3, #KEYS do
    redis.call('INCR', KEYS[i])
    redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 4])
end
count = count + 1
local over = count - tonumber(ARGV[2])
if over >= 0 then open = now + math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) * 2 ^ math.min(over, 20)) end
redis.call('HSET', KEYS[1], 'count', count, 'open', open)
redis.call('PEXPIRE', KEYS[1], over < 0 and ARGV[6] or ARGV[5])
redis.call('SET', KEYS[2], failures + 1, 'PX', (failures + 1) * tonumber(ARGV[8]))
return {0, 0}";

/// Takes an attempt back: KEYS are those of [`COUNT_ATTEMPT`].
const TAKE_BACK: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'count', -1) end
for i = 2, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('DECR', KEYS[i]) end
end";

/// The origin of an attempt.
#[derive(Clone, Copy)]
pub enum Guesser<'a> {
    Source(&'a RequestInfo),
    /// A device from which the account was signed in to before.
    Device(&'a Device),
    Session(SessionId),
}

/// An attempt that was allowed and counted as a failure, until [`Self::succeed`] or [`Self::take_back`].
pub struct Attempt {
    delay: String,
    failures: String,
    limits: Vec<(Limit, String)>,
}

/// Counts an attempt at the secret of `account` before the secret is compared, so that simultaneous attempts are counted too.
///
/// `account` is an address or an id. Only a keyed hash of it leaves this function.
pub async fn attempt(state: &AuthState, account: &str, guesser: Guesser<'_>) -> Result<Attempt, ApiError> {
    let (limiter, now) = (&state.app.rate_limiter, state.app.clock.now());
    let account = pseudonym(state, account).await?;
    let key = |name: String| limiter.redis.key(&name);
    let attempt = match guesser {
        Guesser::Source(request) => Attempt {
            delay: key(format!("guesses:{account}:{}", subject(request.address))),
            failures: failures_key(state, &account),
            limits: limits(&account, request.address)
                .map(|(limit, subject)| (limit, limiter.key(limit, &subject, now)))
                .collect(),
        },
        Guesser::Device(device) => Attempt::own(key(format!("guesses:{account}:device:{}", device.id()))),
        Guesser::Session(id) => Attempt::own(key(format!("guesses:{account}:session:{id}"))),
    };
    attempt.count(state, now).await.map(|()| attempt)
}

/// Returns the further limits of attempts from a source, and what they count.
fn limits(account: &str, address: Option<IpAddr>) -> impl Iterator<Item = (Limit, String)> {
    let network = network(address).map(|network| (ATTEMPTS_PER_NETWORK, format!("{account}:{network}")));
    [(ATTEMPTS_PER_SOURCE, subject(address))].into_iter().chain(network)
}

impl Attempt {
    /// Creates an attempt of a guesser that shares no count with others.
    fn own(delay: String) -> Self {
        Self { failures: format!("{delay}:failures"), delay, limits: Vec::new() }
    }

    /// Returns `KEYS` of [`COUNT_ATTEMPT`].
    fn keys(&self) -> Vec<&String> {
        let limits = self.limits.iter().map(|(_, key)| key);
        [&self.delay, &self.failures].into_iter().chain(limits).collect()
    }

    /// Counts the attempt, or refuses it.
    async fn count(&self, state: &AuthState, now: DateTime<Utc>) -> Result<(), ApiError> {
        let mut commands = redis::pipe();
        let eval = commands.cmd("EVAL").arg(COUNT_ATTEMPT).arg(self.keys().len());
        for key in self.keys() {
            eval.arg(key);
        }
        eval.arg(now.timestamp_millis()).arg(FREE_ATTEMPTS);
        for duration in [FIRST_DELAY, MAX_DELAY, ATTEMPTS_TTL, WINDOW] {
            eval.arg(millis(duration));
        }
        eval.arg(MAX_FAILURES).arg(millis(FAILURE_TTL));
        for (limit, _) in &self.limits {
            eval.arg(limit.max).arg(millis(limit.window));
        }
        let Ok(([reason, wait],)) = state.app.redis.query::<([i64; 2],)>(&commands).await else {
            return self.count_in_memory(state, now);
        };
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        let limit = usize::try_from(reason - FIRST_LIMIT).ok().and_then(|index| self.limits.get(index));
        match (reason, limit) {
            (0, _) => Ok(()),
            (1, _) => Err(refusals::TOO_MANY_FAILURES.reached(ReachedLimit::new(MAX_FAILURES, wait))),
            (_, Some((limit, _))) => {
                let reached = ReachedLimit::new(limit.max, limit.check(limit.max, now).reset);
                Err(refusals::TOO_MANY_ATTEMPTS.reached(reached))
            }
            (_, None) => Err(refusals::TOO_MANY_ATTEMPTS.reached(ReachedLimit::new(FREE_ATTEMPTS, wait))),
        }
    }

    fn count_in_memory(&self, state: &AuthState, now: DateTime<Utc>) -> Result<(), ApiError> {
        let own = [(FALLBACK_ATTEMPTS, &self.delay), (FALLBACK_FAILURES, &self.failures)];
        let limits = own.into_iter().chain(self.limits.iter().map(|(limit, key)| (*limit, key)));
        let count =
            |key: &str, limit: Limit| state.app.rate_limiter.fallback.count(key, limit.window_end(now), now);
        let reached = limits.filter_map(|(limit, key)| limit.check(count(key, limit), now).reached());
        match reached.max_by_key(|reached| reached.wait) {
            Some(reached) => Err(refusals::TOO_MANY_ATTEMPTS.reached(reached)),
            None => Ok(()),
        }
    }

    /// Records that the secret was right: deletes the counts of this guesser and of the failures in a row, and takes this attempt
    /// back from the count of the source.
    pub async fn succeed(&self, state: &AuthState) {
        let limiter = &state.app.rate_limiter;
        limiter.fallback.reset(&self.delay);
        limiter.fallback.reset(&self.failures);
        let mut commands = redis::pipe();
        commands.del(&self.delay).ignore().del(&self.failures).ignore();
        let of_source = self.limits.iter().filter(|(limit, _)| limit.name == ATTEMPTS_PER_SOURCE.name);
        limiter.add_take_back(&mut commands, &Counts(of_source.map(|(_, key)| key.clone()).collect()));
        if let Err(error) = limiter.redis.query::<()>(&commands).await {
            tracing::debug!(%error, "successful attempt not taken back");
        }
    }

    /// Takes the attempt back, because it showed nothing about the secret.
    pub async fn take_back(self, state: &AuthState) {
        let mut commands = redis::pipe();
        let eval = commands.cmd("EVAL").arg(TAKE_BACK).arg(self.keys().len());
        for key in self.keys() {
            state.app.rate_limiter.fallback.uncount(key);
            eval.arg(key);
        }
        eval.ignore();
        if let Err(error) = state.app.redis.query::<()>(&commands).await {
            tracing::debug!(%error, "attempt not taken back");
        }
    }
}

/// Returns the key that counts the failures in a row at `account`, a pseudonym.
pub fn failures_key(state: &AuthState, account: &str) -> String {
    state.app.redis.key(&format!("failures:{account}"))
}

/// Counts a guess at the codes mailed to `email`. Returns whether it is allowed.
///
/// There are a million codes. The link beside them still works when guesses are used up.
pub async fn may_guess_code(state: &AuthState, email: &str) -> Result<bool, ApiError> {
    let limits = [(CODE_GUESSES_PER_ACCOUNT, pseudonym(state, email).await?)];
    let (_, reached) = state.app.rate_limiter.take(&limits, state.app.clock.now()).await;
    Ok(reached.is_none())
}

/// Returns the /48 of an IPv6 address, the most that one customer usually has (RFC 6177).
fn network(address: Option<IpAddr>) -> Option<String> {
    match address {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, ..] = v6.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
        _ => None,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
