//! What every function stands on. Knows tables and services, but no URL of any route group.

pub mod account;
pub mod audit;
pub mod auth;
pub mod backup;
pub mod choice;
pub mod clock;
pub mod config;
pub mod db;
pub mod erasure;
pub mod erasure_ledger;
pub mod error;
pub mod etag;
pub mod extract;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod invitation;
pub mod job;
pub mod keyring;
pub mod mails;
pub mod moment;
pub mod one_time;
pub mod outside;
pub mod page;
pub mod personal_data;
pub mod rate_limit;
mod rds_authorities;
pub mod redis;
pub mod seal;
pub mod secrets;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod text;

pub use error::{ApiError, OnConstraint, Refusal};
pub use state::AppState;
