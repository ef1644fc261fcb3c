//! Redis: the cache and the rate limits.

pub mod rate_limit;
pub mod redis;
