//! `/account`: small pages for mailed links, for deployments whose application has no pages of its own.
//!
//! Mail scanners and previews follow links, so a GET changes nothing; the page's one button does. The pages work without
//! JavaScript, except for `signed-in`. They are for people, so they are not in the OpenAPI document.

mod address;
mod identity;
mod page;
mod routes;
mod second_factor;
mod signed_in;

pub use routes::routes;
