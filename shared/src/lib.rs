//! The code that functions share, in ordered rooms. A room uses only the rooms below it:
//!
//! | room | content |
//! |---|---|
//! | `lambda` | starts a process: an API function or a job |
//! | `accounts`, `backup`, `retrieval` | work that several functions share |
//! | `http` | layers around every route, extractors, problem documents |
//! | `auth` | the caller of a request and its permissions |
//! | `state` | [`AppState`] |
//! | `store` | SQL: a file per table |
//! | `db` | connections and transactions |
//! | `http_client` | HTTP calls to systems outside AWS: language models |
//! | `cache` | Redis: cache, rate limits and circuit breakers |
//! | `mail` | rendering and sending mail |
//! | `crypto` | tokens, keys, passwords, encryption |
//! | `aws` | AWS services |
//! | `domain` | types and rules without I/O |
//! | `config` | settings |
//! | `error` | failures and refusals |
//! | `telemetry` | logs and metrics |
//!
//! Two rules follow: `store` knows no `AppState`, and nothing below `state` takes `&AppState`. `rooms.rs` tests the order.

pub mod accounts;
pub mod auth;
pub mod aws;
pub mod backup;
pub mod cache;
pub mod config;
pub mod crypto;
pub mod db;
pub mod domain;
pub mod error;
pub mod http;
pub mod http_client;
pub mod lambda;
pub mod mail;
pub mod retrieval;
#[cfg(test)]
mod rooms;
pub mod state;
pub mod store;
pub mod telemetry;

// `cargo xtask generate` sets it to a new folder. Then cargo compiles this crate again, and each query is checked.
const _: Option<&str> = option_env!("SQLX_OFFLINE_DIR");

pub use error::{ApiError, OnConstraint, ReachedLimit, Refusal, TooMany};
pub use state::AppState;
