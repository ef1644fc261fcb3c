//! Authenticates the request and counts it against the rate limits: one round trip to Redis for both.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use tokio::task::yield_now;

use super::headers::RATE_LIMIT;
use crate::{
    AppState, Refusal,
    auth::{
        caller::{CachedIdentity, Credential, PresentedCredential},
        pending::Pending,
    },
    cache::{
        invalidation::CacheKey,
        rate_limit::{Limit, RateLimitResult, counted, subject},
    },
    domain::actor::RequestInfo,
};

const TOO_MANY: Refusal = Refusal {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "too-many-requests",
    message: "Too many requests from this address or with this API key. Wait for the time in Retry-After.",
};

/// Counts the request, verifies its credential, and refuses it above the rate limit. An invalid credential is not refused here:
/// a public route ignores it.
pub(super) async fn gate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<RequestInfo>().and_then(|info| info.address);
    let presented = PresentedCredential::read(request.headers());
    let ((result, keys, identity), mut credential) =
        tokio::join!(count(&state, address, &presented), async {
            // The commands to Redis are sent first. The signature is verified while Redis answers.
            yield_now().await;
            presented.verify(&state).await
        });
    if !result.allowed {
        return with_headers(TOO_MANY.retry_after(result.reset).into_response(), result);
    }
    if let Credential::Token(_, cached) = &mut credential {
        *cached = identity;
    }
    let pending = Pending::default();
    request.extensions_mut().insert(credential);
    request.extensions_mut().insert(pending.clone());
    let response = next.run(request).await;
    pending.finish(&state).await;
    if state.config.rate_limit.skip_successful && response.status().is_success() {
        uncount(&state, &keys).await;
    }
    with_headers(response, result)
}

/// Counts the request per address and per API key. Reads the cached session and profile of a token in the same round trip; they
/// must not be used before the token is verified.
async fn count(
    state: &AppState,
    address: Option<IpAddr>,
    presented: &PresentedCredential<'_>,
) -> (RateLimitResult, Vec<String>, CachedIdentity) {
    let (config, limiter, now) = (&state.config.rate_limit, &state.rate_limiter, state.clock.now());
    let limit = Limit { name: "requests", max: config.max_requests, window: config.window };
    let mut subjects = vec![subject(address)];
    if let PresentedCredential::ApiKey(key) = presented {
        // By its hash, not its id: someone who knows only the id cannot use up the limit.
        subjects.push(format!("key:{}", HEXLOWER.encode(&key.hash()[..16])));
    }
    let keys: Vec<_> = subjects.iter().map(|subject| limiter.key(limit, subject, now)).collect();
    let mut commands = redis::pipe();
    for key in &keys {
        limit.count(&mut commands, key);
    }
    let mut identity = CachedIdentity::default();
    let answer = if let PresentedCredential::Token(_, claims) = presented {
        let [session, profile] = [CacheKey::Session(claims.sid), CacheKey::Profile(claims.sub)];
        commands.mget(&[state.redis.cache_key(session), state.redis.cache_key(profile)]);
        let answer = state.redis.query::<(i64, [Option<String>; 2])>(&commands).await;
        answer.map(|(count, [session, profile])| {
            identity.session = session.and_then(|session| serde_json::from_str(&session).ok());
            identity.profile = profile.and_then(|profile| serde_json::from_str(&profile).ok()).map(Arc::new);
            vec![count]
        })
    } else {
        state.redis.query::<Vec<i64>>(&commands).await
    };
    let count = match answer {
        Ok(counts) => counts.into_iter().map(counted).max(),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "cache unavailable; requests counted in memory");
            keys.iter().map(|key| limiter.fallback.count(key, limit.window_end(now), now)).max()
        }
    };
    (limit.check(count.unwrap_or(u32::MAX), now), keys, identity)
}

/// Removes the request from the count (`RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS`).
async fn uncount(state: &AppState, keys: &[String]) {
    let mut commands = redis::pipe();
    let keep = i64::try_from(state.config.rate_limit.window.as_millis()).unwrap_or(i64::MAX);
    for key in keys {
        state.rate_limiter.fallback.uncount(key);
        commands.decr(key, 1).ignore().pexpire(key, keep).ignore();
    }
    if let Err(error) = state.redis.query::<()>(&commands).await {
        tracing::debug!(%error, "successful request not removed from the count");
    }
}

fn with_headers(mut response: Response, result: RateLimitResult) -> Response {
    let values = [u64::from(result.limit), u64::from(result.remaining), result.reset.as_secs()];
    for (name, value) in RATE_LIMIT.into_iter().zip(values) {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}
