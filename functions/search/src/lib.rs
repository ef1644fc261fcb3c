//! `/v1/organizations/{organizationId}/search`

mod refusals;
mod request;
mod search;
mod state;

use shared::{http::Routes, routes};

pub use state::{REQUIRED, SearchState};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<SearchState>>() -> R {
    R::default().routes(routes!(search::search))
}
