//! The layers around every route, from the outside in: request id, log line, metrics and security headers; CORS; deadline; panics;
//! body limit; rate limit and credential.

pub mod cookie;
pub mod etag;
pub mod extract;
mod gate;
pub mod headers;
pub mod idempotency;
pub mod problem;
mod request;
mod request_limit;
mod routes;
pub mod stream;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
};

use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    ApiError, AppState,
    error::{NO_SUCH_ROUTE, WRONG_METHOD},
};

pub use routes::{Routes, serve};
#[doc(hidden)]
pub use utoipa_axum;

/// The largest body of a JSON route, in bytes: as much as the web ACL inspects (`infra/edge/web-acl.yaml`).
pub const BODY_LIMIT: u32 = 64 * 1024;

/// Marks a response that is logged only if it failed.
#[derive(Clone)]
struct Quiet;

/// Turns a function's routes into the service that Lambda and the tests run.
pub fn service<S>(routes: Router<S>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    AppState: FromRef<S>,
{
    service_with_probes(routes, Router::new(), state)
}

/// Like [`service`], with additional `probes`: routes without rate limit and credential, and without a log line unless they fail.
pub fn service_with_probes<S>(routes: Router<S>, probes: Router<S>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    AppState: FromRef<S>,
{
    layers(routes, probes, state, request::MAX_REQUEST_TIME)
}

/// Like [`service`], for routes that may take up to `max_time`: the gateway waits longer for a response that is streamed.
pub fn slow_service<S>(routes: Router<S>, state: S, max_time: Duration) -> Router
where
    S: Clone + Send + Sync + 'static,
    AppState: FromRef<S>,
{
    layers(routes, Router::new(), state, max_time)
}

fn layers<S>(routes: Router<S>, probes: Router<S>, state: S, max_time: Duration) -> Router
where
    S: Clone + Send + Sync + 'static,
    AppState: FromRef<S>,
{
    let app = AppState::from_ref(&state);
    routes
        .fallback(async || ApiError::from(NO_SUCH_ROUTE))
        .method_not_allowed_fallback(async || ApiError::from(WRONG_METHOD))
        .layer(from_fn_with_state(app.clone(), gate::gate))
        .merge(probes.method_not_allowed_fallback(async || ApiError::from(WRONG_METHOD)).layer(map_response(
            async |response: Response| (axum::Extension(Quiet), response).into_response(),
        )))
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_LIMIT as usize))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::from(anyhow::anyhow!("handler panicked")).into_response()
        }))
        .layer(from_fn_with_state(max_time, request::limit_time))
        .layer(headers::cors(&app.config.web))
        .layer(from_fn_with_state(app, request::respond))
}
