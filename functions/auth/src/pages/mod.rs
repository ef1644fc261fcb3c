//! `/account`: the small pages that mailed links lead to where no application has its own.
//!
//! Mail scanners and previews follow links, so looking at a page changes nothing; its one button does. Everything works without
//! JavaScript. People read these pages, programs use `/v1`, so they are no part of the OpenAPI document.

mod page;
mod routes;

pub use routes::routes;
