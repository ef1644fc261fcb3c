//! The API on a port, for external clients.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt;

use crate::{address, functions::Functions, request_log::RequestLog};

type Served = Arc<Mutex<Vec<(Method, String, StatusCode)>>>;

pub struct Server {
    url: String,
    served: Served,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(functions: Functions, log: RequestLog) -> Self {
        let served = Served::default();
        let router = Router::new().fallback(forward).with_state((functions, log, Arc::clone(&served)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("the API serves") });
        Self { url, served, task }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns method, path and status of every request so far.
    #[must_use]
    pub fn served(&self) -> Vec<(Method, String, StatusCode)> {
        self.served.lock().expect("a lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Forwards as the gateway does. Every request gets its own source address, so that no limit per address is reached.
async fn forward(
    State((functions, log, served)): State<(Functions, RequestLog, Served)>,
    mut request: Request,
) -> Response {
    request.extensions_mut().insert(log.gateway(&address()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = functions.at(&path).oneshot(request).await.expect("a router never fails");
    served.lock().expect("a lock").push((method, path, response.status()));
    response
}
