//! Starts a function: API functions in [`http`], consumers of a queue in [`queue`], all others in [`job`].

pub mod http;
pub mod job;
#[cfg(target_os = "linux")]
mod nodelay;
pub mod queue;
