//! Runs an API function.

use axum::Router;
use lambda_http::{Adapter, lambda_runtime::Runtime};
use tower::util::MapResultLayer;

use crate::telemetry;

/// Serves `service` to Lambda.
///
/// Metrics are written after the response and before the request for the next event. The client does not wait for them, and
/// Lambda does not freeze an instance before that request (AWS Lambda Developer Guide, "Lambda execution environment lifecycle").
pub async fn run(service: Router) -> Result<(), lambda_http::Error> {
    let flush = MapResultLayer::new(|done| {
        telemetry::flush();
        done
    });
    Runtime::new(Adapter::from(service)).layer(flush).run().await
}
