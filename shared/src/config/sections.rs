//! What the settings are about, a struct each.

use std::time::Duration;

use axum::http::HeaderValue;
use url::Url;

use super::{Address, Setting};

/// Who may call from a browser, and where people land.
#[derive(Debug, Clone)]
pub struct Web {
    /// `CORS_ORIGINS`: exactly these, separated by commas.
    pub cors_origins: Vec<HeaderValue>,
    /// `APP_URL`: where links in mails lead.
    pub app_url: Url,
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct Database {
    /// `DATABASE_URL`, `DATABASE_CREDENTIALS`.
    pub address: Address,
    /// Whether the connection must be encrypted and the server's name verified: wherever customers' data may be.
    pub require_tls: bool,
    /// `DB_POOL_MIN`.
    pub pool_min: u32,
    /// `DB_POOL_MAX`: an instance serves one request at a time, so one connection is all it can use.
    pub pool_max: u32,
    /// `DB_CONNECTION_TIMEOUT`, ms.
    pub connection_timeout: Duration,
    /// `DB_IDLE_TIMEOUT`, ms.
    pub idle_timeout: Duration,
}

/// As whom the other functions go to the database; `migrate` makes these logins.
#[derive(Debug, Clone)]
pub struct Logins {
    /// `API_CREDENTIALS`.
    pub api: Setting,
    /// `RETENTION_CREDENTIALS`.
    pub retention: Setting,
    /// `BACKUP_CREDENTIALS`.
    pub backup: Setting,
}

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct Cache {
    /// `REDIS_URL`, `REDIS_CREDENTIALS`.
    pub address: Address,
    /// Whether the connection must be encrypted.
    pub require_tls: bool,
    /// `REDIS_MAX_RETRIES`.
    pub max_retries: u32,
    /// `REDIS_RETRY_DELAY`, ms.
    pub retry_delay: Duration,
    /// `REDIS_PREFIX`: what every key begins with.
    pub prefix: String,
}

/// How tokens are made and how long they live.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// `JWT_SECRET`: the private key set; only the function that signs has it.
    pub signing_keys: Setting,
    /// `JWT_PUBLIC_KEYS`: the public key set.
    pub verification_keys: Setting,
    /// `JWT_REFRESH_SECRET`: keys the hashes of refresh tokens.
    pub refresh_secret: Setting,
    /// `JWT_ISSUER`.
    pub issuer: String,
    /// `JWT_AUDIENCE`.
    pub audience: String,
    /// `JWT_EXPIRY`: how long an access token lives.
    pub expiry: Duration,
    /// `JWT_REFRESH_EXPIRY`: how long an unused refresh token lives.
    pub refresh_expiry: Duration,
    /// `SESSION_LIMIT`: how long a session lives, however often it is refreshed.
    pub session_limit: Duration,
}

/// Where what must outlive the database is kept.
#[derive(Debug, Clone)]
pub struct Storage {
    /// `BACKUP_BUCKET`: the S3 bucket of the backups.
    pub backups: String,
    /// `BACKUP_KMS_KEY`: what encrypts them; empty for what the bucket itself says.
    pub backup_key: String,
    /// `POSTGRES_BIN`: the folder of `pg_dump` and `pg_restore`.
    pub postgres_bin: String,
    /// `ERASURE_BUCKET`: the S3 bucket of the ledger of erasures.
    pub erasures: String,
}

/// What is tried before new versions get traffic: the synthetic account, and the version of each function.
#[derive(Debug, Clone)]
pub struct Smoke {
    /// `SMOKE_EMAIL`.
    pub email: Setting,
    /// `SMOKE_PASSWORD`.
    pub password: Setting,
    /// `SMOKE_SYSTEM`: the ARN of a version, like those that follow.
    pub system: String,
    /// `SMOKE_DOCS`.
    pub docs: String,
    /// `SMOKE_AUTH`.
    pub auth: String,
    /// `SMOKE_ORGANIZATIONS`.
    pub organizations: String,
    /// `SMOKE_USERS`.
    pub users: String,
}

/// How often one address may call.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// `RATE_LIMIT_WINDOW`, ms.
    pub window: Duration,
    /// `RATE_LIMIT_MAX_REQUESTS`.
    pub max_requests: u32,
    /// `RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS`: whether only refused and failed requests count.
    pub skip_successful: bool,
}

/// The language model; nothing uses it yet.
#[derive(Debug, Clone)]
pub struct Chat {
    /// `OPENAI_API_KEY`.
    pub api_key: Setting,
    /// `OPENAI_MAX_TOKENS`.
    pub max_tokens: u32,
    /// `OPENAI_TIMEOUT`, ms.
    pub timeout: Duration,
}

/// What leaves the process for those who watch it.
#[derive(Debug, Clone)]
pub struct Monitoring {
    /// `METRICS_ENABLED`: whether embedded metrics are written.
    pub metrics: bool,
    /// `METRICS_PORT`: accepted for the guide's sake; CloudWatch reads the log, nothing listens.
    pub metrics_port: u16,
    /// `TRACING_ENABLED` and `TRACING_ENDPOINT`; X-Ray needs neither, and nothing else exports yet.
    pub tracing: Option<Url>,
    /// `SENTRY_DSN`; nothing reports there yet.
    pub sentry: Setting,
}
