//! Starts a function: API functions in [`http`], consumers of a queue in [`queue`], all others in [`job`].

pub mod http;
pub mod job;
pub mod queue;
