//! `/docs`: the API reference, rendered in the browser by a bundled Redoc.
//!
//! A separate function: its megabyte of script would slow down the start of any other one. It needs no setting, no secret and no
//! connection.

use axum::{Router, http::header, routing::get};
use shared::AppState;

const PAGE: &str = include_str!("../assets/index.html");
const STYLE: &str = include_str!("../assets/docs.css");
const START: &str = include_str!("../assets/docs.js");
/// Redoc 2.5.4 (MIT), as published on npm in `redoc/bundles/redoc.standalone.js`.
const REDOC: &str = include_str!("../assets/redoc.standalone.js");

/// Allows nothing from other origins and no inline script. Redoc needs inline styles, and a worker for its search.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Returns the routes of this function. The OpenAPI document does not list them.
pub fn routes() -> Router<AppState> {
    let asset = |kind: &'static str, body: &'static str| {
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, "public, max-age=3600"),
        ];
        get(async move || (headers, body))
    };
    Router::new()
        .route("/docs", asset("text/html; charset=utf-8", PAGE))
        .route("/docs/docs.css", asset("text/css; charset=utf-8", STYLE))
        .route("/docs/docs.js", asset("text/javascript; charset=utf-8", START))
        .route("/docs/redoc.js", asset("text/javascript; charset=utf-8", REDOC))
}
