//! Redis: cache and rate limits.

pub mod invalidation;
pub mod rate_limit;
pub mod redis;
