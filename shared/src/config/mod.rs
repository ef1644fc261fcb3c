//! Settings, read from the environment once at cold start and never again.
//!
//! The names are those of the production guide; `docs/configuration.md` lists them all.

mod address;
mod reader;
mod sections;
mod setting;
#[cfg(test)]
mod tests;

use std::{env, net::IpAddr};

pub use address::{Address, Credentials};
use reader::Reader;
pub use sections::{Cache, Chat, Database, Logins, Monitoring, RateLimit, Smoke, Storage, Tokens, Web};
pub use setting::{Secret, SecretRef, Setting};

/// Where the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine.
    Development,
    /// Under test.
    Test,
    /// Like production, with no customers.
    Staging,
    /// With customers.
    Production,
}

impl Environment {
    /// The name as `NODE_ENV` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether it is in AWS, where no secret stands in plain sight.
    #[must_use]
    pub fn is_deployed(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

/// Everything the process may be told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// `NODE_ENV`.
    pub environment: Environment,
    /// `APP_VERSION`.
    pub version: String,
    /// `API_HOST` and `API_PORT`: where `cargo xtask dev` serves; in AWS the gateway listens.
    pub listen: (IpAddr, u16),
    /// Who may call from a browser, and where people land.
    pub web: Web,
    /// `DATABASE_*`, `DB_*`.
    pub database: Database,
    /// `API_CREDENTIALS`, `RETENTION_CREDENTIALS`, `BACKUP_CREDENTIALS`.
    pub logins: Logins,
    /// `REDIS_*`.
    pub cache: Cache,
    /// `JWT_*`.
    pub tokens: Tokens,
    /// `SESSION_SECRET`: keys the hashes under which throttles know an account.
    pub session_secret: Setting,
    /// `ENCRYPTION_KEY`: 32 bytes in base64, for what must be readable again.
    pub encryption_key: Setting,
    /// `BACKUP_*`, `ERASURE_BUCKET`.
    pub storage: Storage,
    /// `SMOKE_*`.
    pub smoke: Smoke,
    /// `RATE_LIMIT_*`.
    pub rate_limit: RateLimit,
    /// `MAIL_FROM`: the sender of every mail.
    pub mail_from: String,
    /// `OPENAI_*`.
    pub chat: Chat,
    /// `METRICS_*`, `TRACING_*`, `SENTRY_DSN`.
    pub monitoring: Monitoring,
}

/// Every problem found, so that one failed start names them all.
#[derive(thiserror::Error)]
#[error("invalid configuration: {}", .0.join("; "))]
pub struct ConfigError(Vec<String>);

// `main` prints an error with `Debug`.
impl std::fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Config {
    /// Reads the process environment. `required` names what this function cannot do without.
    pub fn from_env(required: &[&str]) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
        let config = Self::from_lookup(|key| env::var(key).ok(), required);
        // What `main` returns is printed outside the log.
        config.inspect_err(|error| tracing::error!(%error, "function not started"))
    }

    /// Reads from `lookup`, so that tests need not touch the process environment.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&str],
    ) -> Result<Self, ConfigError> {
        let mut r = Reader::new(lookup, required);
        let environment = r.one_of(
            "NODE_ENV",
            Environment::Development,
            &[Environment::Development, Environment::Test, Environment::Staging, Environment::Production]
                .map(|environment| (environment.name(), environment)),
        );
        r.refuse_plain_secrets = environment.is_deployed();
        // Read by `telemetry`, which starts first; what is wrong with them is reported here.
        r.one_of("LOG_LEVEL", (), &["error", "warn", "info", "debug", "trace"].map(|level| (level, ())));
        r.one_of("LOG_FORMAT", (), &["json", "pretty"].map(|format| (format, ())));
        let config = Self {
            environment,
            version: r.text("APP_VERSION", "dev"),
            listen: (
                r.parsed("API_HOST", IpAddr::from([127, 0, 0, 1]), "an IP address"),
                r.parsed("API_PORT", 9000, "a port"),
            ),
            web: Web {
                cors_origins: r.origins("CORS_ORIGINS"),
                app_url: r.url("APP_URL").unwrap_or_else(reader::localhost),
            },
            database: Database {
                address: r.address("DATABASE_URL", "DATABASE_CREDENTIALS"),
                require_tls: environment.is_deployed(),
                pool_min: r.number("DB_POOL_MIN", 0, 0..=1000),
                pool_max: r.number("DB_POOL_MAX", 1, 1..=1000),
                connection_timeout: r.millis("DB_CONNECTION_TIMEOUT", 3_000),
                idle_timeout: r.millis("DB_IDLE_TIMEOUT", 600_000),
            },
            logins: Logins {
                api: r.credentials("API_CREDENTIALS"),
                retention: r.credentials("RETENTION_CREDENTIALS"),
                backup: r.credentials("BACKUP_CREDENTIALS"),
            },
            cache: Cache {
                address: r.address("REDIS_URL", "REDIS_CREDENTIALS"),
                require_tls: environment.is_deployed(),
                max_retries: r.number("REDIS_MAX_RETRIES", 3, 0..=10),
                retry_delay: r.millis("REDIS_RETRY_DELAY", 50),
                prefix: r.text("REDIS_PREFIX", "arches"),
            },
            tokens: Tokens {
                signing_keys: r.setting("JWT_SECRET"),
                verification_keys: r.setting("JWT_PUBLIC_KEYS"),
                refresh_secret: r.setting("JWT_REFRESH_SECRET"),
                issuer: r.text("JWT_ISSUER", "https://api.archesai.com"),
                audience: r.text("JWT_AUDIENCE", "arches"),
                expiry: r.duration("JWT_EXPIRY", "15m"),
                refresh_expiry: r.duration("JWT_REFRESH_EXPIRY", "7d"),
                session_limit: r.duration("SESSION_LIMIT", "30d"),
            },
            session_secret: r.setting("SESSION_SECRET"),
            encryption_key: r.setting("ENCRYPTION_KEY"),
            storage: Storage {
                backups: r.text("BACKUP_BUCKET", ""),
                backup_key: r.text("BACKUP_KMS_KEY", ""),
                postgres_bin: r.text("POSTGRES_BIN", "/opt/bin"),
                erasures: r.text("ERASURE_BUCKET", ""),
            },
            smoke: Smoke {
                email: r.setting("SMOKE_EMAIL"),
                password: r.setting("SMOKE_PASSWORD"),
                system: r.text("SMOKE_SYSTEM", ""),
                docs: r.text("SMOKE_DOCS", ""),
                auth: r.text("SMOKE_AUTH", ""),
                organizations: r.text("SMOKE_ORGANIZATIONS", ""),
                users: r.text("SMOKE_USERS", ""),
            },
            rate_limit: RateLimit {
                window: r.millis("RATE_LIMIT_WINDOW", 60_000),
                max_requests: r.number("RATE_LIMIT_MAX_REQUESTS", 100, 1..=1_000_000),
                skip_successful: r.flag("RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS", false),
            },
            mail_from: r.text("MAIL_FROM", "Arches <no-reply@arches.local>"),
            chat: Chat {
                api_key: r.setting("OPENAI_API_KEY"),
                max_tokens: r.number("OPENAI_MAX_TOKENS", 4_096, 1..=1_000_000),
                timeout: r.millis("OPENAI_TIMEOUT", 30_000),
            },
            monitoring: Monitoring {
                metrics: r.flag("METRICS_ENABLED", true),
                metrics_port: r.parsed("METRICS_PORT", 9090, "a port"),
                tracing: r.url("TRACING_ENDPOINT"),
                sentry: r.setting("SENTRY_DSN"),
            },
        };
        if r.flag("TRACING_ENABLED", false) && config.monitoring.tracing.is_none() {
            r.problem("TRACING_ENABLED is true, but TRACING_ENDPOINT is not set".to_owned());
        }
        if config.database.pool_min > config.database.pool_max {
            r.problem("DB_POOL_MIN is greater than DB_POOL_MAX".to_owned());
        }
        r.finish().map(|()| config)
    }
}
