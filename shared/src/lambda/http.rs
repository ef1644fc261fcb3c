//! Runs an API function.

use std::time::Duration;

use axum::{Router, response::Response};
use lambda_http::{Adapter, StreamAdapter, lambda_runtime::Runtime};
use tower::util::{MapResponse, MapResultLayer, ThenLayer};

use crate::{
    http::stream::{Tasks, join_headers},
    telemetry,
};

/// After a response, the tasks that wrote it have so much time left, for example to settle what they used.
const TASKS_TIMEOUT: Duration = Duration::from_secs(5);

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

/// Serves `service` to Lambda, and sends each response while it is written. After it, waits for `tasks`.
pub async fn run_streaming(service: Router, tasks: Tasks) -> Result<(), lambda_http::Error> {
    #[cfg(target_os = "linux")]
    let runtime_api = super::nodelay::runtime_api();
    let service = MapResponse::new(service, move |mut response: Response| {
        join_headers(response.headers_mut());
        // For each response, because a connection may be a new one.
        #[cfg(target_os = "linux")]
        if let Some(Err(error)) = runtime_api.map(super::nodelay::set) {
            tracing::debug!(%error, "TCP_NODELAY not set");
        }
        response
    });
    let end = ThenLayer::new(move |done: Result<(), lambda_http::Error>| {
        let tasks = tasks.clone();
        async move {
            if !tasks.wait(TASKS_TIMEOUT).await {
                tracing::error!("tasks of the invocation did not end");
            }
            if let Err(error) = done {
                // With an error here the process would end. Locally, that a client has left is one.
                tracing::warn!(error, "response not delivered");
            }
            telemetry::flush();
            Ok::<_, lambda_http::Error>(())
        }
    });
    Runtime::new(StreamAdapter::from(service)).layer(end).run().await
}
