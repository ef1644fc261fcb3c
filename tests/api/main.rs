//! The API as a client sees it: all functions in one process, on real services.
//!
//! A test of one route has the address of its handler: `auth/sessions/refresh.rs`. The files at the top test all routes.

mod audit;
mod auth;
mod cached;
mod forged_tokens;
mod headers;
mod input;
mod invalidation;
mod lists;
mod mass_assignment;
mod matrix;
mod openapi;
mod organizations;
mod personal_data;
mod races;
mod rate_limit;
mod round_trips;
mod story;
mod system;
mod team;
mod tenants;
mod transactions;
mod users;
