//! Who may come in, and how often: one round trip to the cache answers both.

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
use crate::domain::actor::RequestInfo;
use crate::{
    AppState, Refusal,
    auth::caller::{Credential, Given, Known},
    cache::rate_limit::{Limit, Verdict, counted, subject},
};

const TOO_MANY: Refusal = Refusal {
    status: StatusCode::TOO_MANY_REQUESTS,
    code: "too-many-requests",
    message: "Too many requests from this address, or with this API key. Wait as long as Retry-After says.",
};

/// Counts the request, reads its credential, and lets it in or refuses it.
pub(super) async fn admit(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<RequestInfo>().and_then(|info| info.address);
    let given = Given::read(request.headers());
    let ((verdict, keys, found), mut credential) = tokio::join!(count(&state, address, &given), async {
        // The question to the cache is sent first, and a signature verified while its answer is on its way.
        yield_now().await;
        given.verify(&state).await
    });
    if !verdict.allowed {
        return with_headers(TOO_MANY.retry_after(verdict.reset).into_response(), verdict);
    }
    if let Credential::Token(_, known) = &mut credential {
        *known = found;
    }
    request.extensions_mut().insert(credential);
    let response = next.run(request).await;
    if state.config.rate_limit.skip_successful && response.status().is_success() {
        uncount(&state, &keys).await;
    }
    with_headers(response, verdict)
}

/// Counts the request, per address and per API key, and fetches on the way what the cache knows of whom a token names, which
/// nobody may believe before the token is verified.
async fn count(
    state: &AppState,
    address: Option<IpAddr>,
    given: &Given<'_>,
) -> (Verdict, Vec<String>, Known) {
    let config = &state.config.rate_limit;
    let limit = Limit { name: "requests", max: config.max_requests, window: config.window };
    let now = state.clock.now();
    let mut subjects = vec![subject(address)];
    if let Given::ApiKey(key) = given {
        // By its hash and not by its id: nobody else can use its requests up.
        subjects.push(format!("key:{}", HEXLOWER.encode(&key.hash()[..16])));
    }
    let window_end = limit.window_end(now);
    let keys: Vec<_> =
        subjects.iter().map(|subject| state.redis.rate_limit_key(limit.name, subject, window_end)).collect();
    let mut commands = redis::pipe();
    for key in &keys {
        limit.count(&mut commands, key);
    }
    let mut known = Known::default();
    let answer = if let Given::Token(_, claims) = given {
        commands.mget(&[state.redis.session_key(claims.sid), state.redis.account_key(claims.sub)]);
        let answer = state.redis.query::<(i64, [Option<String>; 2])>(&commands).await;
        answer.map(|(count, [session, account])| {
            known.session = session.and_then(|session| serde_json::from_str(&session).ok());
            known.account = account.and_then(|account| serde_json::from_str(&account).ok()).map(Arc::new);
            vec![count]
        })
    } else {
        state.redis.query::<Vec<i64>>(&commands).await
    };
    let count = match answer {
        Ok(counts) => counts.into_iter().map(counted).max(),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "cache away; this instance counts for itself");
            keys.iter().map(|key| state.fallback.count(key, window_end, now)).max()
        }
    };
    (limit.judge(count.unwrap_or(u32::MAX), now), keys, known)
}

/// Takes the request back (`RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS`).
async fn uncount(state: &AppState, keys: &[String]) {
    let mut commands = redis::pipe();
    let keep = i64::try_from(state.config.rate_limit.window.as_millis()).unwrap_or(i64::MAX);
    for key in keys {
        state.fallback.uncount(key);
        commands.decr(key, 1).ignore().pexpire(key, keep).ignore();
    }
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
