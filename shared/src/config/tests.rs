//! What the settings accept, and how they refuse.

use std::time::Duration;

use super::*;

fn read(variables: &[(&str, &str)], required: &[&str]) -> Result<Config, ConfigError> {
    let find = |key: &str| variables.iter().find(|(name, _)| *name == key).map(|(_, v)| (*v).to_owned());
    Config::from_lookup(find, required)
}

#[test]
fn the_guides_values_are_understood() {
    let config = read(
        &[
            ("NODE_ENV", "development"),
            ("CORS_ORIGINS", "https://app.archesai.com, https://admin.archesai.com"),
            ("DATABASE_URL", "postgresql://user:pass@db:5432/archesai?sslmode=require"),
            ("DB_POOL_MIN", "10"),
            ("DB_POOL_MAX", "50"),
            ("DB_CONNECTION_TIMEOUT", "5000"),
            ("REDIS_RETRY_DELAY", "1000"),
            ("JWT_EXPIRY", "15m"),
            ("JWT_REFRESH_EXPIRY", "7d"),
            ("RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS", "false"),
            ("TRACING_ENABLED", "true"),
            ("TRACING_ENDPOINT", "http://jaeger:14268/api/traces"),
        ],
        &["DATABASE_URL"],
    )
    .expect("the guide's values");
    assert_eq!(config.database.pool_max, 50);
    assert_eq!(config.tokens.expiry, Duration::from_mins(15));
    assert_eq!(config.tokens.refresh_expiry, Duration::from_hours(7 * 24));
    assert_eq!(config.web.cors_origins.len(), 2);
}

#[test]
fn every_problem_is_named_at_once_with_what_would_be_allowed() {
    let error = read(
        &[
            ("NODE_ENV", "prod"),
            ("DB_POOL_MAX", "0"),
            ("JWT_EXPIRY", "soon"),
            ("CORS_ORIGINS", "*"),
            ("RATE_LIMIT_WINDOW", "-1"),
            ("LOG_LEVEL", "loud"),
        ],
        &["DATABASE_URL"],
    )
    .expect_err("six problems and a missing variable")
    .to_string();
    for part in [
        "NODE_ENV is \"prod\"; allowed: development, test, staging, production",
        "DB_POOL_MAX is \"0\"; allowed: a whole number from 1 to 1000",
        "JWT_EXPIRY is \"soon\"",
        "CORS_ORIGINS",
        "RATE_LIMIT_WINDOW",
        "LOG_LEVEL is \"loud\"; allowed: error, warn, info, debug, trace",
        "DATABASE_URL is not set",
    ] {
        assert!(error.contains(part), "{part:?} in {error}");
    }
}

#[test]
fn a_deployed_function_refuses_a_secret_in_its_environment_and_does_not_repeat_it() {
    let error = read(
        &[("NODE_ENV", "production"), ("DATABASE_URL", "postgresql://u:hunter2@db/arches")],
        &["DATABASE_URL"],
    )
    .expect_err("a plain secret")
    .to_string();
    assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
}
