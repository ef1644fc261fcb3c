//! Renders a refusal or failure as a problem document (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::domain::actor::RequestInfo;
use crate::error::{More, Outcome, Problem, Refusal};

/// The `type` of a problem is this, followed by its code.
const TYPE_PREFIX: &str = "https://archesai.com/problems/";

/// Returns the problem document of `refusal`, without details.
#[must_use]
pub fn document(refusal: Refusal, request: &RequestInfo) -> Problem {
    Problem {
        r#type: format!("{TYPE_PREFIX}{}", refusal.code),
        title: refusal.status.canonical_reason().unwrap_or_default(),
        status: refusal.status.as_u16(),
        detail: refusal.message,
        instance: request.path.clone(),
        request_id: request.id.clone(),
        errors: Vec::new(),
        max_age: None,
        limit: None,
        used: None,
        artifact_id: None,
    }
}

/// Replaces the body of `response` by the problem document of its [`Outcome`], if it has one.
pub(super) fn render(response: Response, request: &RequestInfo) -> Response {
    let Some(Outcome { refused, .. }) = response.extensions().get::<Outcome>().cloned() else {
        return response;
    };
    let mut problem = Problem { errors: refused.errors, ..document(refused.refusal, request) };
    match refused.more.as_deref() {
        Some(More::MaxAge(seconds)) => problem.max_age = Some(*seconds),
        Some(More::Usage { limit, used }) => (problem.limit, problem.used) = (Some(*limit), Some(*used)),
        Some(More::Artifact(id)) => problem.artifact_id = Some(*id),
        None => {}
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(wait) = refused.retry_after {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, challenge(problem.max_age));
    }
    Response::from_parts(parts, Json(problem).into_response().into_body())
}

/// Returns the challenge of a 401 (RFC 6750, section 3). With `max_age` in seconds, it asks for a newer sign-in (RFC 9470, section 3).
///
/// The body says the same: a REST API renames this header, as `tests/harness/client.rs` does.
fn challenge(max_age: Option<i64>) -> HeaderValue {
    let newer =
        max_age.map(|age| format!(r#"Bearer error="insufficient_user_authentication", max_age="{age}""#));
    newer.and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(HeaderValue::from_static("Bearer"))
}
