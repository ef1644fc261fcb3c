//! The outermost layer: request id, deadline, response headers, log line and metrics.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use lambda_http::{Context, request::RequestContext};
use metrics::{counter, histogram};
use tokio::time::timeout;
use tracing::{Instrument, Span, field};
use uuid::Uuid;

use super::{Quiet, headers, problem};
use crate::domain::actor::RequestInfo;
use crate::{
    ApiError, AppState,
    error::{Outcome, Unavailable, is_contention, is_time_limit},
    telemetry::{self, Link, Trace},
};

/// The part of an invocation's time that is kept for the response: a function that Lambda ends sends none.
const RESERVE: Duration = Duration::from_millis(500);
/// Also the limit without an invocation. Less than the gateway's 29 s.
pub(super) const MAX_REQUEST_TIME: Duration = Duration::from_secs(25);

impl RequestInfo {
    fn of(request: &Request) -> Self {
        let (id, address) = match request.extensions().get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV1(gateway)) => {
                (gateway.request_id.clone(), gateway.identity.source_ip.clone())
            }
            Some(RequestContext::ApiGatewayV2(gateway)) => {
                (gateway.request_id.clone(), gateway.http.source_ip.clone())
            }
            Some(_) | None => (None, None),
        };
        let user_agent = request.headers().get(header::USER_AGENT);
        Self {
            id: id.filter(|id| is_plain(id)).unwrap_or_else(|| Uuid::now_v7().to_string()),
            address: address.and_then(|address| address.parse().ok()),
            path: request.uri().path().to_owned(),
            user_agent: user_agent.map(|agent| {
                String::from_utf8_lossy(agent.as_bytes())
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(512)
                    .collect()
            }),
        }
    }
}

/// Checks whether the gateway's request id is safe in a header and a log line.
fn is_plain(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=+/.:".contains(&b))
}

impl<S: Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(|| anyhow::anyhow!("the request layer is missing").into())
    }
}

/// Returns how long this request may still take: up to `max_time`.
///
/// Ignores a deadline that has passed when the request arrives: Lambda sends no such request, but the deadlines of
/// `cargo lambda watch` do not count from the Unix epoch.
fn time_left(request: &Request, max_time: Duration) -> Duration {
    let Some(context) = request.extensions().get::<Context>() else { return max_time };
    let deadline = UNIX_EPOCH + Duration::from_millis(context.deadline);
    #[expect(clippy::disallowed_methods, reason = "Lambda's deadline is a time of the machine's clock")]
    let left = deadline.duration_since(SystemTime::now());
    left.map_or(max_time, |left| left.saturating_sub(RESERVE).min(max_time))
}

/// Stops the handler at the deadline and returns 503, while there is still time for a response.
pub(super) async fn limit_time(State(max_time): State<Duration>, request: Request, next: Next) -> Response {
    match timeout(time_left(&request, max_time), next.run(request)).await {
        Ok(response) => response,
        Err(elapsed) => ApiError::from(Unavailable::new("handler", elapsed)).into_response(),
    }
}

/// Renders the response with the headers that every response has, and writes the request's one log line.
pub(super) async fn respond(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let info = RequestInfo::of(&request);
    let method = request.method().clone();
    // Never the path itself: it may contain secrets or personal data. There are few route patterns.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let trace = Trace::of(xray_header(&request));
    let link = request.headers().get("traceparent").and_then(|value| Link::parse(value.to_str().ok()?));
    let work = trace.request(link, method.as_str(), &route);
    // The inner one: the user is recorded in it.
    let span = tracing::info_span!(
        parent: &work, "request", request.id = %info.id, trace.id = trace.hex(), %method, route,
        user.id = field::Empty, ip = info.address.map(field::display),
    );
    request.extensions_mut().insert(info.clone());

    let response = next.run(request).instrument(span.clone()).await;
    let mut response = problem::render(response, &info);
    headers::secure(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&info.id) {
        response.headers_mut().insert(headers::REQUEST_ID, id);
    }
    span.in_scope(|| log(&response, started.elapsed()));
    let is_cold_start = telemetry::is_cold_start();
    describe(&work, &response, is_cold_start);
    if state.config.monitoring.metrics {
        measure(&response, route, started.elapsed(), is_cold_start);
    }
    response
}

/// Returns the tracing header of the invocation. Lambda's, not the client's.
fn xray_header(request: &Request) -> Option<&str> {
    request.extensions().get::<Context>()?.xray_trace_id.as_deref()
}

/// Records the outcome in the span of the request.
fn describe(work: &Span, response: &Response, is_cold_start: bool) {
    work.record("http.response.status_code", response.status().as_u16());
    if is_cold_start {
        work.record("faas.coldstart", true);
    }
    if let Some(Outcome { failure: Some(_), refused }) = response.extensions().get() {
        work.record("error.type", refused.refusal.code);
    }
}

fn log(response: &Response, duration: Duration) {
    let status = response.status().as_u16();
    // u64, because `tracing` writes a u128 as a JSON string, and a metric filter cannot sum strings.
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let quiet = response.extensions().get::<Quiet>().is_some();
    match response.extensions().get::<Outcome>() {
        Some(Outcome { failure: Some(error), refused }) => {
            let code = refused.refusal.code;
            if is_contention(error) || is_time_limit(error) {
                // Callers cause it with concurrent requests, which wait for each other.
                tracing::warn!(status, duration_ms, code, error = format!("{error:#}"), "request failed");
                return;
            }
            tracing::error!(status, duration_ms, code, error = format!("{error:#}"), "request failed");
        }
        Some(Outcome { refused, .. }) => {
            tracing::info!(status, duration_ms, code = refused.refusal.code, "request refused");
        }
        None if quiet => {}
        None => tracing::info!(status, duration_ms, "request served"),
    }
}

fn measure(response: &Response, route: String, duration: Duration, is_cold_start: bool) {
    let class = format!("{}xx", response.status().as_u16() / 100);
    counter!("Requests", "route" => route.clone(), "status" => class).increment(1);
    histogram!("Duration", "route" => route).record(duration.as_secs_f64() * 1e3);
    if is_cold_start {
        counter!("ColdStarts").increment(1);
    }
}
