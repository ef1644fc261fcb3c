//! Redis: cache, rate limits and circuit breakers.

pub mod breaker;
pub mod invalidation;
pub mod rate_limit;
pub mod redis;
