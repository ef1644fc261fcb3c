//! Authenticates the request and counts it against the limit of requests: one round trip to Redis for both.

use axum::{
    extract::{Request, State},
    http::HeaderValue,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{headers::RATE_LIMIT, request_limit::Charge};
use crate::{
    AppState, ReachedLimit, TooMany,
    auth::{
        caller::{Credential, PresentedCredential},
        pending::Pending,
    },
    cache::rate_limit::RateLimitResult,
    domain::actor::RequestInfo,
};

const TOO_MANY: TooMany = TooMany::new(
    "too-many-requests",
    "Too many requests of this session or API key, or from this address. Wait for the time in Retry-After.",
);

/// Verifies the request's credential, counts the request, and refuses it above the limit. An invalid credential is not refused
/// here: a public route ignores it.
pub(super) async fn gate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<RequestInfo>().and_then(|info| info.address);
    let mut credential = PresentedCredential::read(request.headers()).verify(&state).await;
    let (mut charge, identity) = Charge::take(&state, address, &credential).await;
    if let Some(reached) = charge.result.reached() {
        return with_headers(TOO_MANY.reached(reached).into_response(), charge.result);
    }
    if let Credential::Token(_, cached) = &mut credential {
        *cached = identity;
    }
    let pending = Pending::default();
    request.extensions_mut().insert(credential);
    request.extensions_mut().insert(pending.clone());
    let response = next.run(request).await;
    charge.settle(pending.verdict()).await;
    pending.finish(&state).await;
    if state.config.rate_limit.skip_successful && response.status().is_success() {
        charge.take_back().await;
    }
    with_headers(response, charge.result)
}

/// Adds the state of the limit: of the one that refused the request, or of the limit of requests.
fn with_headers(mut response: Response, result: RateLimitResult) -> Response {
    let values = match response.extensions().get::<ReachedLimit>() {
        Some(reached) => [u64::from(reached.limit), 0, reached.wait.as_secs()],
        None => [u64::from(result.limit), u64::from(result.remaining), result.reset.as_secs()],
    };
    for (name, value) in RATE_LIMIT.into_iter().zip(values) {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}
