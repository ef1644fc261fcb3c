//! `REDIS_*`: the connection to Redis.

use std::time::Duration;

use super::{Address, section::section};

section! {
    /// Redis
    pub struct Cache {
        /// The cache. Its credentials may have no user name.
        address: Address = address("REDIS_URL", "REDIS_CREDENTIALS") {
            allowed: "`redis://…`, or `rediss://…` with TLS; in staging and production only `rediss://…`",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/redis-AbCdEf:url::"
        };
        /// Whether connections must be encrypted.
        require_tls: bool = deployed() {};
        /// Retries on a new connection after one was lost, within 1 s in all.
        max_retries: u32 = number("REDIS_MAX_RETRIES", 3, 0..=10) { used_by: "api" };
        /// The delay before a retry.
        retry_delay: Duration = millis("REDIS_RETRY_DELAY", 50) { used_by: "api" };
        /// The user of `ElastiCache` whose passwords are rotated.
        user: String = text("REDIS_USER_ID", "") { allowed: "the id of a user", example: "arches-dev" };
        /// The beginning of every key.
        prefix: String = text("REDIS_PREFIX", "arches") { used_by: "api" };
    }
}
