//! Who may come in, and how often: one round trip to the cache answers both.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{headers::RATE_LIMIT, request::RequestInfo};
use crate::{
    AppState, Refusal,
    auth::{caller::Credential, session::Cached},
    rate_limit::{Limit, Verdict, counted, subject},
};

const TOO_MANY: Refusal = Refusal {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "too-many-requests",
    message: "Too many requests from this address. Wait as long as Retry-After says.",
};

/// Counts the request, reads its credential, and lets it in or refuses it.
pub(super) async fn admit(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<RequestInfo>().and_then(|info| info.address);
    let mut credential = Credential::read(request.headers(), &state).await;
    let (verdict, key) = count(&state, address, &mut credential).await;
    if !verdict.allowed {
        return with_headers(TOO_MANY.retry_after(verdict.reset).into_response(), verdict);
    }
    request.extensions_mut().insert(credential);
    let response = next.run(request).await;
    if state.config.rate_limit.skip_successful && response.status().is_success() {
        uncount(&state, &key).await;
    }
    with_headers(response, verdict)
}

/// Counts the request, and fetches what the cache knows of its session on the way.
async fn count(state: &AppState, address: Option<IpAddr>, credential: &mut Credential) -> (Verdict, String) {
    let config = state.config.rate_limit;
    let limit = Limit { name: "requests", max: config.max_requests, window: config.window };
    let now = state.clock.now();
    let key = state.redis.rate_limit_key(limit.name, &subject(address), limit.window_end(now));
    let mut commands = redis::pipe();
    limit.count(&mut commands, &key);
    let answer = if let Credential::Token(claims, cached) = credential {
        commands.get(state.redis.session_key(claims.sid));
        state.redis.query::<(i64, Option<String>)>(&commands).await.map(|(count, session)| {
            *cached = session.and_then(|session| serde_json::from_str::<Cached>(&session).ok());
            count
        })
    } else {
        state.redis.query::<(i64,)>(&commands).await.map(|(count,)| count)
    };
    let count = match answer {
        Ok(count) => counted(count),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "cache away; this instance counts for itself");
            state.fallback.count(&key, limit.window_end(now), now)
        }
    };
    (limit.judge(count, now), key)
}

/// Takes the request back (`RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS`).
async fn uncount(state: &AppState, key: &str) {
    let mut commands = redis::pipe();
    let keep = i64::try_from(state.config.rate_limit.window.as_millis()).unwrap_or(i64::MAX);
    state.fallback.uncount(key);
    commands.decr(key, 1).ignore().pexpire(key, keep).ignore();
    if let Err(error) = state.redis.query::<()>(&commands).await {
        tracing::debug!(%error, "a successful request stays counted");
    }
}

fn with_headers(mut response: Response, verdict: Verdict) -> Response {
    let values = [u64::from(verdict.limit), u64::from(verdict.remaining), verdict.reset.as_secs()];
    for (name, value) in RATE_LIMIT.into_iter().zip(values) {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}
