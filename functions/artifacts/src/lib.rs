//! `/v1/organizations/{organizationId}/artifacts` and `…/labels`: the documents of an organization.

// Work within an idempotent transaction within the layers around a route: the compiler's own limit for such nesting is 128.
#![recursion_limit = "256"]

mod artifacts;
mod labels;
mod organization;
mod refusals;
mod state;

use shared::http::Routes;

pub use state::{ArtifactsState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<ArtifactsState>>() -> R {
    labels::add_routes(artifacts::add_routes(R::default()))
}
