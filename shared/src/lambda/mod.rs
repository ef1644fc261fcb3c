//! Starts a function: API functions in [`http`], all others in [`job`].

pub mod http;
pub mod job;
