//! `/v1/organizations/{organizationId}/conversations/{conversationId}/answers`: the one route whose response is streamed.
//!
//! A handler begins an answer and starts a task that writes it ([`writer`]). The task owns the call of the model, stores what comes, and
//! settles the tokens. It ends by itself: at the end of the answer, on a cancel, when the client leaves, and at its deadline.

// Work within a transaction within the layers around a route: the compiler's own limit for such nesting is 128.
#![recursion_limit = "256"]

mod answer;
mod begin;
mod create;
mod draft;
mod events;
mod finish;
mod refusals;
mod request;
mod sources;
mod state;
mod writer;

use std::time::Duration;

use axum::Router;
use shared::{
    http::{self, Routes},
    routes,
};

pub use state::{AnswersState, REQUIRED};

/// The timeout of the function (`infra/app/functions/answers.yaml`).
const MAX_REQUEST_TIME: Duration = Duration::from_mins(5);

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<AnswersState>>() -> R {
    R::default().routes(routes!(create::create))
}

/// Returns the service that Lambda and the tests run.
pub fn service(state: AnswersState) -> Router {
    http::slow_service(routes(), state, MAX_REQUEST_TIME)
}
