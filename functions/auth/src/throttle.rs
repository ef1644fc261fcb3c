//! How often a secret may be guessed.
//!
//! Per account *and* source, so that a stranger elsewhere cannot lock the owner out; and per source, whatever the account,
//! so that one source cannot try one password on everyone (OWASP Credential Stuffing Prevention Cheat Sheet).

use std::time::Duration;

use data_encoding::HEXLOWER;
use ring::hmac;
use shared::{
    ApiError,
    http::RequestInfo,
    rate_limit::{Limit, counted, subject},
};

use crate::{AuthState, refusals};

const WINDOW: Duration = Duration::from_mins(15);
const PER_ACCOUNT: Limit = Limit { name: "guesses", max: 10, window: WINDOW };
const PER_SOURCE: Limit = Limit { name: "guesses-by-source", max: 100, window: WINDOW };

/// A guess that was allowed; take it back if it was right.
pub struct Attempt([String; 2]);

/// Counts a guess at the secret of `account` before it is looked at, so that many at once are counted too.
///
/// `account` is an address or an id; only a keyed hash of it leaves this function.
pub async fn attempt(state: &AuthState, account: &str, request: &RequestInfo) -> Result<Attempt, ApiError> {
    let now = state.app.clock.now();
    let source = subject(request.address);
    let pseudonym = hmac::sign(&state.session_key().await?, account.to_lowercase().as_bytes());
    let both = format!("{}:{source}", HEXLOWER.encode(&pseudonym.as_ref()[..16]));
    let limits = [(PER_ACCOUNT, both), (PER_SOURCE, source)];
    let keys = limits
        .each_ref()
        .map(|(limit, subject)| state.app.redis.rate_limit_key(limit.name, subject, limit.window_end(now)));

    let mut commands = redis::pipe();
    for ((limit, _), key) in limits.iter().zip(&keys) {
        limit.count(&mut commands, key);
    }
    let counts: [u32; 2] = match state.app.redis.query::<[i64; 2]>(&commands).await {
        Ok(counts) => counts.map(counted),
        Err(_) => keys.each_ref().map(|key| state.app.fallback.count(key, PER_ACCOUNT.window_end(now), now)),
    };
    for ((limit, _), count) in limits.iter().zip(counts) {
        let verdict = limit.judge(count, now);
        if !verdict.allowed {
            return Err(refusals::TOO_MANY_ATTEMPTS.retry_after(verdict.reset));
        }
    }
    Ok(Attempt(keys))
}

impl Attempt {
    /// The guess was right: forgets this account's guesses from this source, and this one of the source's.
    pub async fn succeeded(self, state: &AuthState) {
        let [account, source] = self.0;
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
