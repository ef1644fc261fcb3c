//! `/v1/auth`

mod audit_events;
mod email;
mod exports;
mod lifecycle;
mod me;
mod pages;
mod password;
mod register;
mod second_factors;
mod sessions;
mod sign_in;
mod sign_in_methods;
