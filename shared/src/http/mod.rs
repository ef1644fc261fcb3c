//! What surrounds every route, from the outside in: request id, deadline, log line and metrics; security headers; CORS;
//! panics; rate limit and credential; body limit.

pub mod etag;
pub mod extract;
mod gate;
pub(crate) mod headers;
pub mod idempotency;
mod problem;
mod request;
mod routes;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware::{from_fn, from_fn_with_state, map_response},
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

/// The largest body of a JSON route, in bytes: as much as the web ACL can look at (`infra/edge/web-acl.yaml`).
pub const BODY_LIMIT: u32 = 64 * 1024;

/// Left on a response that is not worth a log line unless it failed.
#[derive(Clone)]
struct Quiet;

/// Turns a function's routes into the service that Lambda and the tests both run.
pub fn service<S>(routes: Router<S>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    AppState: FromRef<S>,
{
    service_with_probes(routes, Router::new(), state)
}

/// [`service`], with routes that ask nobody who is calling: no rate limit, no credential, and no log line while all is
/// well.
pub fn service_with_probes<S>(routes: Router<S>, probes: Router<S>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    AppState: FromRef<S>,
{
    let app = AppState::from_ref(&state);
    routes
        .fallback(async || ApiError::from(NO_SUCH_ROUTE))
        .method_not_allowed_fallback(async || ApiError::from(WRONG_METHOD))
        .layer(from_fn_with_state(app.clone(), gate::admit))
        .merge(probes.method_not_allowed_fallback(async || ApiError::from(WRONG_METHOD)).layer(map_response(
            async |response: Response| (axum::Extension(Quiet), response).into_response(),
        )))
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_LIMIT as usize))
        .layer(CatchPanicLayer::custom(|_| {
            ApiError::from(anyhow::anyhow!("handler panicked")).into_response()
        }))
        .layer(from_fn(request::in_time))
        .layer(headers::cors(&app.config.web))
        .layer(from_fn_with_state(app, request::around))
}
