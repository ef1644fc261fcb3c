//! `RATE_LIMIT_*`: the requests allowed per session, API key and source address.

use std::time::Duration;

use super::section::section;

section! {
    /// Rate limit
    pub struct RateLimit {
        /// Length of a window.
        window: Duration = millis("RATE_LIMIT_WINDOW", 60_000) { used_by: "api" };
        /// Most requests within a window.
        max_requests: u32 = number("RATE_LIMIT_MAX_REQUESTS", 100, 1..=1_000_000) { used_by: "api" };
        /// Whether a request that is answered with a 2xx is taken off the count.
        skip_successful: bool = flag("RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS", false) { used_by: "api" };
    }
}
