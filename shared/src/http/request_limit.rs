//! The limit of requests. A session and an API key have their own; the source address pays for what is anonymous or refused.
//!
//! A session is charged after the signature of its token was verified, an API key after its secret was. The database verifies a
//! key, so Redis remembers for [`VERIFIED_KEY_TTL`] which secrets were right. An unknown one is charged to the address, until its
//! request has shown that it is right.

use std::{net::IpAddr, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;

use crate::{
    AppState,
    auth::{
        caller::{CachedIdentity, Credential},
        pending::Verdict,
    },
    cache::{
        invalidation::CacheKey,
        rate_limit::{Counts, Limit, RateLimitResult, RateLimiter, counted, subject},
    },
    crypto::api_key::ApiKeyToken,
    error::Unavailable,
};

/// The time for which Redis remembers that a secret was right. The database is still asked at each request.
const VERIFIED_KEY_TTL: Duration = Duration::from_hours(24);

/// Counts a request with an API key. Returns the count, and the limit of the key: 0 for the default, -1 if the secret is unknown.
///
/// KEYS: the record of a right secret, the count of the key, of unknown secrets from the address, of the address. ARGV: the window
/// in ms.
const COUNT_KEY: &str = "
local function count(key)
    local counted = redis.call('INCR', key)
    redis.call('PEXPIRE', key, ARGV[1])
    return counted
end
local limit = redis.call('GET', KEYS[1])
if limit then return {count(KEYS[2]), tonumber(limit)} end
count(KEYS[4])
return {count(KEYS[3]), -1}";

/// Who pays for the request.
enum Payer {
    Address,
    Session,
    /// A secret that was right before, and the limit that Redis remembers.
    VerifiedKey(u32),
    /// A secret that may be wrong.
    UnknownKey,
}

/// A counted request.
pub(super) struct Charge<'a> {
    state: &'a AppState,
    now: DateTime<Utc>,
    payer: Payer,
    address: String,
    key: Option<ApiKeyToken>,
    counts: Counts,
    pub result: RateLimitResult,
}

impl<'a> Charge<'a> {
    /// Counts the request. Reads the cached session and profile of a token in the same round trip.
    pub async fn take(
        state: &'a AppState,
        address: Option<IpAddr>,
        credential: &Credential,
    ) -> (Self, CachedIdentity) {
        let address = subject(address);
        match credential {
            Credential::ApiKey(key) => (Self::take_key(state, address, key).await, CachedIdentity::default()),
            Credential::Token(claims, _) => {
                let payer = (Payer::Session, format!("session:{}", claims.sid));
                let keys = [CacheKey::Session(claims.sid), CacheKey::Profile(claims.sub)];
                Self::take_one(state, address, payer, Some(keys)).await
            }
            Credential::None | Credential::Invalid | Credential::Unknown(_) => {
                let payer = (Payer::Address, address.clone());
                Self::take_one(state, address, payer, None).await
            }
        }
    }

    async fn take_one(
        state: &'a AppState,
        address: String,
        (payer, subject): (Payer, String),
        cached: Option<[CacheKey; 2]>,
    ) -> (Self, CachedIdentity) {
        let (limiter, now, limit) = (&state.rate_limiter, state.clock.now(), limit(state));
        let name = limiter.key(limit, &subject, now);
        let mut commands = redis::pipe();
        limit.count(&mut commands, &name);
        let mut identity = CachedIdentity::default();
        let answer = if let Some(keys) = cached {
            commands.mget(&keys.map(|key| state.redis.cache_key(key)));
            let answer = state.redis.query::<(i64, [Option<String>; 2])>(&commands).await;
            answer.map(|(count, [session, profile])| {
                identity.session = session.and_then(|session| serde_json::from_str(&session).ok());
                identity.profile =
                    profile.and_then(|profile| serde_json::from_str(&profile).ok()).map(Arc::new);
                count
            })
        } else {
            state.redis.query::<(i64,)>(&commands).await.map(|(count,)| count)
        };
        let count = answer.map_or_else(
            |error| {
                warn(&error);
                limiter.fallback.count(&name, limit.window_end(now), now)
            },
            counted,
        );
        let result = limit.check(count, now);
        (Self { state, now, payer, address, key: None, counts: Counts(vec![name]), result }, identity)
    }

    async fn take_key(state: &'a AppState, address: String, key: &ApiKeyToken) -> Self {
        let (limiter, now, limit) = (&state.rate_limiter, state.clock.now(), limit(state));
        let [of_key, of_unknown, of_address] =
            [key_subject(key), format!("unknown-key:{address}"), address.clone()]
                .map(|subject| limiter.key(limit, &subject, now));
        let mut commands = redis::pipe();
        let eval = commands.cmd("EVAL").arg(COUNT_KEY).arg(4).arg(record(limiter, key));
        eval.arg(&of_key).arg(&of_unknown).arg(&of_address).arg(millis(limit.window));
        let (payer, counts, result) = match state.redis.query::<([i64; 2],)>(&commands).await {
            Ok(([count, -1],)) => {
                (Payer::UnknownKey, vec![of_unknown, of_address], limit.check(counted(count), now))
            }
            Ok(([count, raised],)) => {
                let raised = counted(raised);
                (Payer::VerifiedKey(raised), vec![of_key], raise(limit, raised).check(counted(count), now))
            }
            Err(error) => {
                warn(&error);
                let count = |name: &str| limiter.fallback.count(name, limit.window_end(now), now);
                // By its hash, because nobody else knows it. The limit of the key is not known here.
                let of_secret = limiter.key(limit, &format!("secret:{}", fingerprint(key)), now);
                let most = count(&of_secret).max(count(&of_unknown));
                count(&of_address);
                (Payer::UnknownKey, vec![of_unknown, of_address], limit.check(most, now))
            }
        };
        Self { state, now, payer, address, key: Some(key.clone()), counts: Counts(counts), result }
    }

    /// Charges the right payer, now that the credential was verified or refused.
    pub async fn settle(&mut self, verdict: Verdict) {
        match (&self.payer, verdict, self.key.clone()) {
            (Payer::UnknownKey, Verdict::Verified { raised }, Some(key)) => {
                self.charge_key(&key, raised).await;
            }
            (Payer::VerifiedKey(known), Verdict::Verified { raised }, Some(key)) if *known != raised => {
                let mut commands = redis::pipe();
                self.remember(&mut commands, &key, raised);
                self.send(&commands).await;
            }
            (Payer::VerifiedKey(_) | Payer::Session, Verdict::Refused, key) => {
                self.charge_address(key.as_ref()).await;
            }
            _ => {}
        }
    }

    /// Moves the charge from the address to the key, and remembers the secret.
    async fn charge_key(&mut self, key: &ApiKeyToken, raised: u32) {
        let (limiter, limit) = (&self.state.rate_limiter, raise(limit(self.state), raised));
        let name = limiter.key(limit, &key_subject(key), self.now);
        let mut commands = redis::pipe();
        limiter.add_take_back(&mut commands, &self.counts);
        limit.count(&mut commands, &name);
        self.remember(&mut commands, key, raised);
        if let Ok((count,)) = self.state.redis.query::<(i64,)>(&commands).await {
            self.result = limit.check(counted(count), self.now);
            self.counts = Counts(vec![name]);
        }
    }

    /// Charges the address too, and no longer remembers a secret that is wrong now.
    async fn charge_address(&self, key: Option<&ApiKeyToken>) {
        let (limiter, limit) = (&self.state.rate_limiter, limit(self.state));
        let name = limiter.key(limit, &self.address, self.now);
        let mut commands = redis::pipe();
        limit.count(&mut commands, &name);
        if let Some(key) = key {
            commands.del(record(limiter, key)).ignore();
        }
        if self.state.redis.query::<(i64,)>(&commands).await.is_err() {
            limiter.fallback.count(&name, limit.window_end(self.now), self.now);
        }
    }

    fn remember(&self, commands: &mut redis::Pipeline, key: &ApiKeyToken, raised: u32) {
        let name = record(&self.state.rate_limiter, key);
        commands.cmd("SET").arg(name).arg(raised).arg("EX").arg(VERIFIED_KEY_TTL.as_secs()).ignore();
    }

    async fn send(&self, commands: &redis::Pipeline) {
        if let Err(error) = self.state.redis.query::<()>(commands).await {
            tracing::debug!(%error, "limit of an API key not remembered");
        }
    }

    /// Removes the request from the counts (`RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS`).
    pub async fn take_back(&self) {
        self.state.rate_limiter.take_back(&self.counts).await;
    }
}

fn limit(state: &AppState) -> Limit {
    let config = &state.config.rate_limit;
    Limit { name: "requests", max: config.max_requests, window: config.window }
}

/// Returns `limit` with the maximum that an administrator has set; 0 if none has.
fn raise(limit: Limit, raised: u32) -> Limit {
    if raised == 0 { limit } else { Limit { max: raised, ..limit } }
}

fn key_subject(key: &ApiKeyToken) -> String {
    format!("key:{}", key.id)
}

/// Returns the Redis key of the record that this secret was right.
fn record(limiter: &RateLimiter, key: &ApiKeyToken) -> String {
    limiter.redis.key(&format!("verified-key:{}", fingerprint(key)))
}

fn fingerprint(key: &ApiKeyToken) -> String {
    HEXLOWER.encode(&key.hash()[..16])
}

fn millis(window: Duration) -> u64 {
    u64::try_from(window.as_millis()).unwrap_or(u64::MAX)
}

fn warn(error: &Unavailable) {
    tracing::warn!(error = format!("{error:#}"), "cache unavailable; requests counted in memory");
}
