//! The API, as a client sees it: all functions in one process, on real services.

mod audit;
mod cookies;
mod forged_tokens;
mod headers;
mod input;
mod login;
mod mass_assignment;
mod matrix;
mod me;
mod openapi;
mod pages;
mod races;
mod rate_limit;
mod refresh;
mod register;
mod sessions;
mod story;
mod system;
mod tenants;
mod verification;
