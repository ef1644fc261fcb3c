//! `/v1/search/…`

mod state;
mod status;

use shared::{http::Routes, routes};

pub use state::{REQUIRED, SearchState};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<SearchState>>() -> R {
    R::default().routes(routes!(status::status))
}
