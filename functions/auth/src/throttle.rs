//! How often a secret may be guessed.
//!
//! Per account *and* source: after some guesses each one more has to wait, twice as long every time. Nobody is locked out: the
//! owner, who is elsewhere, waits for nothing. And per source, whatever the account, so that one source cannot try one password on
//! everyone (OWASP Credential Stuffing Prevention Cheat Sheet). An account that is not there is counted like any other.

use std::{net::IpAddr, time::Duration};

use data_encoding::HEXLOWER;
use ring::hmac;
use shared::{
    ApiError,
    cache::rate_limit::{self, Limit, counted, subject},
    domain::actor::RequestInfo,
};

use crate::{AuthState, refusals};

const WINDOW: Duration = Duration::from_mins(15);
/// How many guesses at one account, from one source, do not have to wait.
const FREE: u32 = 10;
/// How long the first one waits that does.
const FIRST_DELAY: Duration = Duration::from_secs(30);
/// The longest wait.
const LONGEST_DELAY: Duration = Duration::from_mins(15);
/// After this long without a guess all is forgotten.
const MEMORY: Duration = Duration::from_hours(24);
const PER_SOURCE: Limit = Limit { name: "guesses-by-source", max: 100, window: WINDOW };
/// An IPv6 customer may have as many sources as a /48 has /64s.
const PER_NETWORK: Limit = Limit { name: "guesses-by-network", max: 50, window: WINDOW };
/// While the cache is away, guesses are counted here, without delays.
const FALLBACK: Limit = Limit { name: "guesses", max: FREE, window: WINDOW };
/// How often one source may ask for something costly, such as a mail, in the name of one account.
const REQUESTS: Limit = Limit { name: "requests-by-account", max: 10, window: WINDOW };
/// How often the digits mailed to one account may be guessed at in a day, whoever guesses.
const CODES: Limit = Limit { name: "codes", max: 20, window: Duration::from_hours(24) };
/// How many mails of one kind go to one address. The links in them live as long as this window, or longer: who is flooded has
/// some that work.
const MAILS: Limit = Limit { name: "mails", max: 5, window: WINDOW };

/// Answers how long to wait in ms; 0 if the guess may be looked at, which is then counted.
///
/// ARGV: now, how many are free, the first delay, the longest, how long to remember who had to wait, and who had not (times in ms).
const GUESS: &str = "
local state = redis.call('HMGET', KEYS[1], 'count', 'open')
local count, open, now = tonumber(state[1]) or 0, tonumber(state[2]) or 0, tonumber(ARGV[1])
if open > now then return open - now end
count = count + 1
local over = count - tonumber(ARGV[2])
if over >= 0 then open = now + math.min(tonumber(ARGV[4]), tonumber(ARGV[3]) * 2 ^ math.min(over, 20)) end
redis.call('HSET', KEYS[1], 'count', count, 'open', open)
redis.call('PEXPIRE', KEYS[1], over < 0 and ARGV[6] or ARGV[5])
return 0";

/// A guess that was allowed; take it back if it was right.
pub struct Attempt {
    account: String,
    source: String,
}

/// Counts a guess at the secret of `account` before it is looked at, so that many at once are counted too.
///
/// `account` is an address or an id; only a keyed hash of it leaves this function.
pub async fn attempt(state: &AuthState, account: &str, request: &RequestInfo) -> Result<Attempt, ApiError> {
    let now = state.app.clock.now();
    let (redis, fallback) = (&state.app.redis, &state.app.fallback);
    let account = pseudonym(state, account).await?;
    let source = subject(request.address);
    let guesses = redis.key(&format!("guesses:{account}:{source}"));
    let wider = network(request.address).map(|network| (PER_NETWORK, format!("{account}:{network}")));
    let limits: Vec<_> = [(PER_SOURCE, source)]
        .into_iter()
        .chain(wider)
        .map(|(limit, subject)| (limit, redis.rate_limit_key(limit.name, &subject, limit.window_end(now))))
        .collect();

    let mut commands = redis::pipe();
    commands.cmd("EVAL").arg(GUESS).arg(1).arg(&guesses).arg(now.timestamp_millis()).arg(FREE);
    for duration in [FIRST_DELAY, LONGEST_DELAY, MEMORY, WINDOW] {
        commands.arg(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }
    for (limit, key) in &limits {
        limit.count(&mut commands, key);
    }
    let answers = redis.query::<Vec<i64>>(&commands).await.unwrap_or_default();
    let (mut wait, counts): (_, Vec<_>) = if let [wait, counts @ ..] = &answers[..] {
        let wait = Duration::from_millis(u64::try_from(*wait).unwrap_or(0));
        (wait, counts.iter().copied().map(counted).collect())
    } else {
        let verdict = FALLBACK.judge(fallback.count(&guesses, FALLBACK.window_end(now), now), now);
        let wait = if verdict.allowed { Duration::ZERO } else { verdict.reset };
        (wait, limits.iter().map(|(limit, key)| fallback.count(key, limit.window_end(now), now)).collect())
    };
    for ((limit, _), count) in limits.iter().zip(counts) {
        let verdict = limit.judge(count, now);
        if !verdict.allowed {
            wait = wait.max(verdict.reset);
        }
    }
    if wait > Duration::ZERO {
        return Err(refusals::TOO_MANY_ATTEMPTS.retry_after(wait.max(Duration::from_secs(1))));
    }
    Ok(Attempt { account: guesses, source: limits[0].1.clone() })
}

impl Attempt {
    /// The guess was right: forgets this account's guesses from this source, and this one of the source's.
    pub async fn succeeded(self, state: &AuthState) {
        let Self { account, source } = self;
        state.app.fallback.forget(&account);
        state.app.fallback.uncount(&source);
        let mut commands = redis::pipe();
        let keep = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
        commands.del(account).ignore().decr(&source, 1).ignore().pexpire(&source, keep).ignore();
        if let Err(error) = state.app.redis.query::<()>(&commands).await {
            tracing::debug!(%error, "a right guess stays counted");
        }
    }
}

/// Counts a request for something costly in the name of `account`.
pub async fn request(
    state: &AuthState,
    kind: &str,
    account: &str,
    request: &RequestInfo,
) -> Result<(), ApiError> {
    let source = subject(request.address);
    let account = format!("{kind}:{}:{source}", pseudonym(state, account).await?);
    for (limit, subject) in [(REQUESTS, account), (PER_SOURCE, source)] {
        let verdict = rate_limit::take(&state.app, limit, &subject).await;
        if !verdict.allowed {
            return Err(refusals::TOO_MANY_ATTEMPTS.retry_after(verdict.reset));
        }
    }
    Ok(())
}

/// Whether the digits mailed to `email` may be guessed at once more today, whoever guesses.
///
/// There are a million; the link beside them goes on working.
pub async fn may_guess_code(state: &AuthState, email: &str) -> Result<bool, ApiError> {
    let account = pseudonym(state, email).await?;
    Ok(rate_limit::take(&state.app, CODES, &account).await.allowed)
}

/// Whether one more mail of this `kind` may go to `email`, whoever asks for it.
///
/// Nobody is told: the answer is the same, and the links mailed before work.
pub async fn may_mail(state: &AuthState, kind: &str, email: &str) -> Result<bool, ApiError> {
    let subject = format!("{kind}:{}", pseudonym(state, email).await?);
    Ok(rate_limit::take(&state.app, MAILS, &subject).await.allowed)
}

async fn pseudonym(state: &AuthState, account: &str) -> Result<String, ApiError> {
    let mac = hmac::sign(&state.session_key().await?, account.to_lowercase().as_bytes());
    Ok(HEXLOWER.encode(&mac.as_ref()[..16]))
}

/// The /48 of an IPv6 address, the most that one customer usually has (RFC 6177).
fn network(address: Option<IpAddr>) -> Option<String> {
    match address {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() => {
            let [a, b, c, ..] = v6.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
        _ => None,
    }
}
