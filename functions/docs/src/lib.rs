//! `/docs`: the API's reference, rendered in the browser by a bundled Redoc.
//!
//! A function of its own: its megabyte of script would make every other one slower to start. It needs no setting and
//! no secret, and asks nobody.

use axum::{Router, http::header, routing::get};
use shared::AppState;

const PAGE: &str = include_str!("../assets/index.html");
const STYLE: &str = include_str!("../assets/docs.css");
const START: &str = include_str!("../assets/docs.js");
/// Redoc 2.5.4 (MIT), as published on npm in `redoc/bundles/redoc.standalone.js`.
const REDOC: &str = include_str!("../assets/redoc.standalone.js");

/// Nothing from anywhere else, and no script in the page; Redoc sets styles as it renders, and searches in a worker.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Every route of this function. They are no part of the document that they show.
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
