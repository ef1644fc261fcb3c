//! Tests of the settings: accepted values, and refusals.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use percent_encoding::percent_decode_str;
use redis::IntoConnectionInfo;
use sqlx::postgres::PgConnectOptions;
use url::Url;

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
            ("TRACING_ENDPOINT", "http://jaeger:4318/v1/traces"),
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
fn a_malformed_receiver_of_traces_or_errors_is_named_in_one_sentence() {
    let jaeger = "TRACING_ENDPOINT is a collector of Jaeger's old protocol (/api/traces); use that of OTLP, such as \
                  http://jaeger:4318/v1/traces";
    for (environment, name, value, problem) in [
        ("development", "TRACING_ENDPOINT", "http://jaeger:14268/api/traces", jaeger),
        ("development", "TRACING_ENDPOINT", "jaeger:4318", "TRACING_ENDPOINT is \"jaeger:4318\"; allowed: "),
        (
            "development",
            "TRACING_ENDPOINT",
            "http://jaeger:4318",
            "TRACING_ENDPOINT has no path; usual is /v1/traces",
        ),
        (
            "production",
            "TRACING_ENDPOINT",
            "http://jaeger:4318/v1/traces",
            "TRACING_ENDPOINT is not an https:// URL",
        ),
        (
            "development",
            "TRACING_ENABLED",
            "true",
            "TRACING_ENABLED is true, but TRACING_ENDPOINT is not set",
        ),
        (
            "development",
            "SENTRY_DSN",
            "https://canary.example/1",
            "SENTRY_DSN is not a DSN; expected https://<key>@<host>/<project>",
        ),
        ("development", "SENTRY_DSN", "https://canary@sentry.example", "SENTRY_DSN is not a DSN"),
        ("production", "SENTRY_DSN", "https://canary@sentry.example/1", "SENTRY_DSN holds a value"),
        ("production", "TRACING_HEADERS", "authorization=canary", "TRACING_HEADERS holds a value"),
    ] {
        let error = read(&[("NODE_ENV", environment), (name, value)], &[]).expect_err(problem).to_string();
        assert!(error.contains(problem), "{problem:?} in {error}");
        assert!(!error.contains("canary"), "{error}");
    }
    read(&[("SENTRY_DSN", "https://key@o1.ingest.sentry.io/4500000")], &[]).expect("a DSN");
}

#[test]
fn prices_are_needed_for_every_embedding_model_or_none() {
    let prices = |prices: &str, next: &str| {
        let variables = [("EMBEDDING_MODEL", "a"), ("EMBEDDING_NEXT_MODEL", next), ("MODEL_PRICES", prices)];
        read(&variables, &[]).map(|config| config.models.prices.of("a").prompt)
    };
    for (text, next, price) in [("", "b", 0), ("a=0.02", "", 20_000), ("b=3/4,a=1", "b", 1_000_000)] {
        assert_eq!(prices(text, next).expect("prices"), price, "{text}");
    }
    for (text, next, problem) in [
        ("b=1", "", "MODEL_PRICES has no price of the model \"a\""),
        ("a=1", "b", "MODEL_PRICES has no price of the model \"b\""),
        ("a=cheap", "", "MODEL_PRICES is \"a=cheap\"; allowed: "),
    ] {
        let error = prices(text, next).expect_err(problem).to_string();
        assert!(error.contains(problem), "{problem:?} in {error}");
    }
}

#[test]
fn an_answer_ends_before_its_function() {
    let deadline = |millis: &str| read(&[("CHAT_DEADLINE", millis)], &[]);
    assert!(deadline("270000").is_ok());
    let error = deadline("270001").expect_err("too long").to_string();
    assert!(error.contains("CHAT_DEADLINE is more than 270000 ms"), "{error}");
}

#[test]
fn a_deployed_function_requires_tls() {
    for (environment, required) in
        [("development", false), ("test", false), ("staging", true), ("production", true)]
    {
        let config = read(&[("NODE_ENV", environment)], &[]).expect("settings");
        assert_eq!(config.database.require_tls, required, "{environment}");
        assert_eq!(config.cache.require_tls, required, "{environment}");
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

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:arches/production/database-AbCdEf";

#[test]
fn a_deployed_function_takes_a_url_without_a_password_if_the_credentials_are_a_secret() {
    let config = read(
        &[
            ("NODE_ENV", "production"),
            ("DATABASE_URL", "postgresql://proxy.example/arches?sslmode=require"),
            ("DATABASE_CREDENTIALS", SECRET),
            ("REDIS_URL", "rediss://cache.example"),
            ("REDIS_CREDENTIALS", SECRET),
        ],
        &["DATABASE_URL", "REDIS_URL"],
    );
    assert!(config.is_ok(), "{config:?}");
}

#[test]
fn credentials_are_given_once_and_never_repeated() {
    let member = format!("{SECRET}:url::");
    for (environment, url, credentials, problem) in [
        ("production", "postgresql://db/arches", "", "DATABASE_URL holds a value"),
        (
            "production",
            "postgresql://db/arches",
            r#"{"password":"hunter2"}"#,
            "DATABASE_CREDENTIALS holds a value",
        ),
        ("production", &member, SECRET, "DATABASE_URL is a reference, and DATABASE_CREDENTIALS is set"),
        ("production", "postgresql://db/arches", &member, "DATABASE_CREDENTIALS names a member"),
        (
            "production",
            "postgresql://u@db/arches",
            SECRET,
            "DATABASE_URL is not a URL with a host and without",
        ),
        ("production", "postgresql://:hunter2@db/arches", SECRET, "DATABASE_URL is not a URL"),
        ("production", "postgresql://db/arches?password=hunter2", SECRET, "DATABASE_URL is not a URL"),
        ("development", "postgresql://u:hunter2@db/arches", SECRET, "DATABASE_URL is not a URL"),
        ("development", "postgresql:///arches", SECRET, "DATABASE_URL is not a URL"),
        ("development", "hunter2", SECRET, "DATABASE_URL is not a URL"),
        ("development", "postgresql://db/arches", "hunter2", "DATABASE_CREDENTIALS is not a JSON object"),
        (
            "development",
            "postgresql://db/arches",
            r#"{"username":"hunter2"}"#,
            "DATABASE_CREDENTIALS is not a JSON",
        ),
        ("development", "", SECRET, "DATABASE_URL is not set"),
    ] {
        let variables =
            [("NODE_ENV", environment), ("DATABASE_URL", url), ("DATABASE_CREDENTIALS", credentials)];
        let error = read(&variables, &["DATABASE_URL"]).expect_err(problem).to_string();
        assert!(error.contains(problem) && !error.contains("hunter2"), "{problem:?} in {error}");
    }
}

/// Every character that can be seen, and the space.
fn printable() -> String {
    (' '..='~').collect()
}

fn complete(url: &str, credentials: &serde_json::Value) -> anyhow::Result<String> {
    let credentials = Credentials::parse(&credentials.to_string()).map_err(anyhow::Error::msg)?;
    Ok(credentials.complete(url)?.to_string())
}

#[test]
fn user_name_and_password_arrive_as_they_are_whatever_is_in_them() {
    let name = format!("é{}", printable());
    let credentials = serde_json::json!({ "username": name, "password": printable(), "engine": "postgres" });
    let url = complete("postgresql://db.example:5433/arches?sslmode=require", &credentials).expect("a URL");
    let options: PgConnectOptions = url.parse().expect("options");
    assert_eq!(
        (options.get_username(), options.get_host(), options.get_port()),
        (&*name, "db.example", 5433)
    );
    let parsed = Url::parse(&url).expect("a URL");
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
    assert_eq!(decoded(parsed.password().expect("a password")), printable());
    assert_eq!((parsed.path(), parsed.query()), ("/arches", Some("sslmode=require")));

    let url = complete("rediss://cache.example", &credentials).expect("a URL");
    let info = url.as_str().into_connection_info().expect("a URL of Redis");
    let redis = info.redis_settings();
    assert_eq!((redis.username(), redis.password()), (Some(&*name), Some(&*printable())));
    let url = complete("rediss://cache.example/2", &serde_json::json!({ "password": printable() }));
    let info = url.expect("a URL").as_str().into_connection_info().expect("a URL of Redis");
    let redis = info.redis_settings();
    assert_eq!((redis.username(), redis.password()), (None, Some(&*printable())));
}

#[test]
fn postgresql_is_not_met_as_nobody() {
    let error = complete("postgresql://db/arches", &serde_json::json!({ "password": "hunter2" }));
    assert_eq!(error.expect_err("nobody").to_string(), "the credentials have no username");
}

fn declared() -> Vec<Declared> {
    sections()
        .into_iter()
        .filter(|section| section.name != "Aws")
        .flat_map(|section| section.settings)
        .collect()
}

#[test]
fn exactly_the_declared_variables_are_read() {
    let read = RefCell::new(BTreeSet::new());
    let config = Config::from_lookup(
        |name| {
            read.borrow_mut().insert(name.to_owned());
            None
        },
        &[],
    );
    assert!(config.is_ok(), "{config:?}");
    let declared: Vec<String> = declared().into_iter().map(|declared| declared.name).collect();
    assert_eq!(read.into_inner(), declared.iter().cloned().collect());
    assert_eq!(
        declared.len(),
        declared.iter().collect::<BTreeSet<_>>().len(),
        "no variable is declared twice"
    );
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let declared = declared();
    let defaults: Vec<(&str, &str)> = declared
        .iter()
        .filter_map(|declared| Some((declared.name.as_str(), declared.default.as_deref()?)))
        .collect();
    let given = read(&defaults, &[]).expect("every default is accepted");
    assert_eq!(format!("{given:?}"), format!("{:?}", read(&[], &[]).expect("no variable is needed")));
}

#[test]
fn every_variable_is_documented_and_its_example_accepted() {
    for Declared { name, meaning, default, allowed, example, .. } in declared() {
        assert!(!meaning.is_empty() && !allowed.is_empty(), "{name}");
        assert!(default.is_some() || !example.is_empty(), "{name} has neither a default nor an example");
        let config = read(&[(&name, &example)], &[]);
        assert!(config.is_ok(), "{config:?}");
    }
}
