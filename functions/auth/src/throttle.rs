//! Limits of how often a secret may be guessed, and how often something costly may be requested.
//!
//! Per account *and* source: after [`FREE_ATTEMPTS`] each further attempt has to wait, twice as long every time. The account is not
//! locked: its owner, at another source, does not wait. And per source, whatever the account, so that one source cannot try one
//! password on every account (OWASP Credential Stuffing Prevention Cheat Sheet). An account that does not exist is counted too.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use ring::hmac;
use shared::{
    ApiError,
    cache::rate_limit::{Fallback, Limit, RateLimiter, counted, subject},
    domain::actor::RequestInfo,
};

use crate::{AuthState, refusals};

const WINDOW: Duration = Duration::from_mins(15);
/// The attempts at one account, from one source, that do not have to wait.
const FREE_ATTEMPTS: u32 = 10;
/// The delay of the first attempt that has to wait.
const FIRST_DELAY: Duration = Duration::from_secs(30);
const MAX_DELAY: Duration = Duration::from_mins(15);
/// The count of an account that had to wait is deleted this long after its last attempt; another count after [`WINDOW`].
const ATTEMPTS_TTL: Duration = Duration::from_hours(24);
/// Attempts, and requests for something costly, of one source.
const ATTEMPTS_PER_SOURCE: Limit = Limit { name: "guesses-by-source", max: 100, window: WINDOW };
/// Attempts at one account from one /48: an IPv6 customer may have as many sources as it has /64s.
const ATTEMPTS_PER_NETWORK: Limit = Limit { name: "guesses-by-network", max: 50, window: WINDOW };
/// While Redis is unavailable, attempts are counted in memory, without delays.
const FALLBACK_ATTEMPTS: Limit = Limit { name: "guesses", max: FREE_ATTEMPTS, window: WINDOW };
/// Requests of one source for something costly, such as a mail, in the name of one account.
const REQUESTS_PER_ACCOUNT: Limit = Limit { name: "requests-by-account", max: 10, window: WINDOW };
/// Guesses at the codes mailed to one account, from all sources together.
const CODE_GUESSES_PER_ACCOUNT: Limit = Limit { name: "codes", max: 20, window: Duration::from_hours(24) };
/// Mails of one kind to one address. The links in them live at least as long as this window, so an owner who is flooded with mails
/// has some that work.
const MAILS_PER_ADDRESS: Limit = Limit { name: "mails", max: 5, window: WINDOW };

/// Returns the time to wait in ms; 0 if the attempt is allowed, which is then counted.
///
/// ARGV: now, the number of free attempts, the first delay, the longest, the TTL of a count with a delay, and of one without
/// (times in ms).
const COUNT_ATTEMPT: &str = "
local state = redis.call('HMGET', KEYS[1], 'count', 'open')
local count, open, now = tonumber(state[1]) or 0, tonumber(state[2]) or 0, tonumber(ARGV[1])
if open > now then return open - now end
count = count + 1
local over = count - tonumber(ARGV[2])
if over >= 0 then open = now + math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) * 2 ^ math.min(over, 20)) end
redis.call('HSET', KEYS[1], 'count', count, 'open', open)
redis.call('PEXPIRE', KEYS[1], over < 0 and ARGV[6] or ARGV[5])
return 0";

/// An attempt that was allowed and counted. If it is right, [`Attempt::succeed`] takes it back.
pub struct Attempt {
    account_key: String,
    source_key: String,
}

/// Counts an attempt at the secret of `account` before the secret is compared, so that simultaneous attempts are counted too.
///
/// `account` is an address or an id. Only a keyed hash of it leaves this function.
pub async fn attempt(state: &AuthState, account: &str, request: &RequestInfo) -> Result<Attempt, ApiError> {
    let (limiter, now) = (&state.app.rate_limiter, state.app.clock.now());
    let account = pseudonym(state, account).await?;
    let source = subject(request.address);
    let account_key = limiter.redis.key(&format!("guesses:{account}:{source}"));
    let source_key = limiter.key(ATTEMPTS_PER_SOURCE, &source, now);
    let mut limits = vec![(ATTEMPTS_PER_SOURCE, source_key.clone())];
    if let Some(network) = network(request.address) {
        let key = limiter.key(ATTEMPTS_PER_NETWORK, &format!("{account}:{network}"), now);
        limits.push((ATTEMPTS_PER_NETWORK, key));
    }
    let (delay, counts) = count_attempt(limiter, &account_key, &limits, now).await;
    let results = limits.iter().zip(counts).map(|((limit, _), count)| limit.check(count, now));
    let wait = results.filter(|result| !result.allowed).map(|result| result.reset).fold(delay, Duration::max);
    if wait > Duration::ZERO {
        return Err(refusals::TOO_MANY_ATTEMPTS.retry_after(wait.max(Duration::from_secs(1))));
    }
    Ok(Attempt { account_key, source_key })
}

/// Counts an attempt in Redis, or in memory while Redis is unavailable. Returns the delay of the account, and the count of each limit.
async fn count_attempt(
    limiter: &RateLimiter,
    account_key: &str,
    limits: &[(Limit, String)],
    now: DateTime<Utc>,
) -> (Duration, Vec<u32>) {
    let mut commands = redis::pipe();
    let eval = commands.cmd("EVAL").arg(COUNT_ATTEMPT).arg(1).arg(account_key);
    eval.arg(now.timestamp_millis()).arg(FREE_ATTEMPTS);
    for duration in [FIRST_DELAY, MAX_DELAY, ATTEMPTS_TTL, WINDOW] {
        eval.arg(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }
    for (limit, key) in limits {
        limit.count(&mut commands, key);
    }
    let answers = limiter.redis.query::<Vec<i64>>(&commands).await.unwrap_or_default();
    let [delay, counts @ ..] = &answers[..] else {
        return count_attempt_in_memory(&limiter.fallback, account_key, limits, now);
    };
    let delay = Duration::from_millis(u64::try_from(*delay).unwrap_or(0));
    (delay, counts.iter().copied().map(counted).collect())
}

fn count_attempt_in_memory(
    fallback: &Fallback,
    account_key: &str,
    limits: &[(Limit, String)],
    now: DateTime<Utc>,
) -> (Duration, Vec<u32>) {
    let count = |limit: Limit, key| fallback.count(key, limit.window_end(now), now);
    let result = FALLBACK_ATTEMPTS.check(count(FALLBACK_ATTEMPTS, account_key), now);
    let delay = if result.allowed { Duration::ZERO } else { result.reset };
    (delay, limits.iter().map(|(limit, key)| count(*limit, key)).collect())
}

impl Attempt {
    /// Deletes the count of this account and source, and takes this attempt back from the count of the source.
    pub async fn succeed(self, state: &AuthState) {
        let (Self { account_key, source_key }, limiter) = (self, &state.app.rate_limiter);
        limiter.fallback.reset(&account_key);
        limiter.fallback.uncount(&source_key);
        let mut commands = redis::pipe();
        let ttl = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        commands.del(account_key).ignore().decr(&source_key, 1).ignore().pexpire(&source_key, ttl).ignore();
        if let Err(error) = limiter.redis.query::<()>(&commands).await {
            tracing::debug!(%error, "successful attempt not taken back");
        }
    }
}

/// Counts a request for something costly in the name of `account`, and refuses it if there were too many.
pub async fn request(
    state: &AuthState,
    kind: &str,
    account: &str,
    request: &RequestInfo,
) -> Result<(), ApiError> {
    let source = subject(request.address);
    let account = format!("{kind}:{}:{source}", pseudonym(state, account).await?);
    for (limit, subject) in [(REQUESTS_PER_ACCOUNT, account), (ATTEMPTS_PER_SOURCE, source)] {
        let result = state.app.rate_limiter.take(limit, &subject, state.app.clock.now()).await;
        if !result.allowed {
            return Err(refusals::TOO_MANY_ATTEMPTS.retry_after(result.reset));
        }
    }
    Ok(())
}

/// [`request`] for a mail to `account`. Returns whether the mail may be sent.
pub async fn request_mail(
    state: &AuthState,
    kind: &str,
    account: &str,
    sender: &RequestInfo,
) -> Result<bool, ApiError> {
    request(state, kind, account, sender).await?;
    may_mail(state, kind, account).await
}

/// Counts a mail of this `kind` to `email`, from whatever source it is requested. Returns whether it may be sent.
///
/// The client does not learn the result: the response is the same, and the links of earlier mails work.
pub async fn may_mail(state: &AuthState, kind: &str, email: &str) -> Result<bool, ApiError> {
    let subject = format!("{kind}:{}", pseudonym(state, email).await?);
    let result = state.app.rate_limiter.take(MAILS_PER_ADDRESS, &subject, state.app.clock.now());
    Ok(result.await.allowed)
}

/// Counts a guess at the codes mailed to `email`. Returns whether it is allowed.
///
/// There are a million codes. The link beside them still works when guesses are used up.
pub async fn may_guess_code(state: &AuthState, email: &str) -> Result<bool, ApiError> {
    let account = pseudonym(state, email).await?;
    let result = state.app.rate_limiter.take(CODE_GUESSES_PER_ACCOUNT, &account, state.app.clock.now());
    Ok(result.await.allowed)
}

/// Returns the keyed hash that stands for an account in a key.
async fn pseudonym(state: &AuthState, account: &str) -> Result<String, ApiError> {
    let mac = hmac::sign(&state.session_key().await?, account.to_lowercase().as_bytes());
    Ok(HEXLOWER.encode(&mac.as_ref()[..16]))
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
