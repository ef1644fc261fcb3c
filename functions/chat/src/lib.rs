//! `/v1/organizations/{organizationId}/conversations` and `…/usage`: conversations with language models, and what they used. The answers
//! are written by another function, which can reach the models.

// Work within an idempotent transaction within the layers around a route: the compiler's own limit for such nesting is 128.
#![recursion_limit = "256"]

mod conversations;
mod messages;
mod organization;
mod refusals;
mod state;
mod usage;

use shared::{http::Routes, routes};

pub use state::{ChatState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<ChatState>>() -> R {
    messages::add_routes(conversations::add_routes(R::default())).routes(routes!(usage::show))
}
