//! The API as a client sees it: all functions in one process, on real services.
//!
//! The test of a route stands at the address of its handler: `auth/sessions/refresh.rs`. `lifecycle.rs` follows an account or an
//! organization through the routes of its group. The files at the top test what several groups have in common.

mod answers;
mod artifacts;
mod audit;
mod auth;
mod bystanders;
mod cached;
mod chat;
mod credentials;
mod foreign_ids;
mod forged_tokens;
mod fresh;
mod headers;
mod if_match;
mod input;
mod invalidation;
mod isolation;
mod limits;
mod lists;
mod local;
mod mail_delivery;
mod mass_assignment;
mod matrix;
mod oauth;
mod one_trip;
mod openapi;
mod organizations;
mod personal_data;
mod races;
mod rate_limit;
mod round_trips;
mod search;
mod system;
mod takeover;
mod transactions;
mod users;
