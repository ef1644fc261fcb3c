//! `DATABASE_*`, `DB_*`: the connection to PostgreSQL.

use std::time::Duration;

use super::{Address, Setting, reader::Reader, section::section};

section! {
    /// Database
    pub struct Database {
        /// The database. For the API a transaction pooler; for `retention` the same, as a member of `arches_retention`;
        /// for `migrate` and `restore-drill` the database itself, as its owner; for `backup` the database itself, as a role
        /// that may read everything.
        address: Address = address("DATABASE_URL", "DATABASE_CREDENTIALS") {
            allowed: "`postgresql://…`",
            example: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/dev/database-AbCdEf:url::"
        };
        /// Whether connections must be encrypted and the server's name verified.
        require_tls: bool = deployed() {};
        /// Idle connections that are never closed.
        pool_min: u32 = number("DB_POOL_MIN", 0, 0..=1000) {
            used_by: "api, retention, restore-drill",
            allowed: "a whole number from 0 to 1000, not above `DB_POOL_MAX`"
        };
        /// Most connections of an instance. An instance serves one request at a time, so it can use only one.
        pool_max: u32 = number("DB_POOL_MAX", 1, 1..=1000) { used_by: "api, retention, restore-drill" };
        /// The timeout of waiting for a connection.
        connection_timeout: Duration = millis("DB_CONNECTION_TIMEOUT", 3_000) { used_by: "api, retention, restore-drill" };
        /// Whether statements are sent with BEGIN and COMMIT in one round trip.
        pipeline: bool = flag("DB_PIPELINE", true) { used_by: "api, retention, restore-drill" };
        /// A connection that was idle for longer is closed instead of used.
        idle_timeout: Duration = millis("DB_IDLE_TIMEOUT", 600_000) { used_by: "api, retention, restore-drill" };
    }
}

impl Database {
    /// Returns the same settings for the database at `url`, whose own TLS settings are enough: it is not the proxy.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { address: Setting::Plain(url.into()).into(), require_tls: false, ..self.clone() }
    }

    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        if self.pool_min > self.pool_max {
            reader.problem("DB_POOL_MIN is greater than DB_POOL_MAX".to_owned());
        }
    }
}
