//! API functions.

use axum::Router;
use lambda_http::{Adapter, lambda_runtime::Runtime};
use tower::util::MapResultLayer;

use crate::telemetry;

/// Serves `service` to Lambda.
///
/// Metrics are written between an answer and the question for the next event: whoever waits for the answer does not wait for
/// them, and Lambda does not freeze an instance before it asks (AWS Lambda Developer Guide, "Lambda execution environment
/// lifecycle").
pub async fn run(service: Router) -> Result<(), lambda_http::Error> {
    let flush = MapResultLayer::new(|done| {
        telemetry::flush();
        done
    });
    Runtime::new(Adapter::from(service)).layer(flush).run().await
}
