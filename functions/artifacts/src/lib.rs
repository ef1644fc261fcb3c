//! `/v1/artifacts/…`

mod state;
mod status;

use shared::{http::Routes, routes};

pub use state::{ArtifactsState, REQUIRED};

/// Every route of this function; the integration tests and the OpenAPI document start here too.
#[must_use]
pub fn routes<R: Routes<ArtifactsState>>() -> R {
    R::default().routes(routes!(status::status))
}
