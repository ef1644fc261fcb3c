//! Settings, read from the environment once at cold start and never again.
//!
//! A file per section declares its variables: struct, default, allowed values and documentation in one place. `cargo xtask
//! generate` writes the tables of `docs/configuration.md` and `.env.example` from these declarations.

mod address;
mod application;
mod aws;
mod cache;
mod database;
mod keys;
mod kinds;
mod logins;
mod mail;
mod models;
mod monitoring;
mod prices;
mod providers;
mod rate_limit;
mod reader;
mod section;
mod setting;
mod smoke;
mod storage;
#[cfg(test)]
mod tests;
mod tokens;
mod web;

use std::env;

pub use address::{Address, Credentials};
pub use application::{Application, Environment};
pub use cache::Cache;
pub use database::Database;
pub use keys::Keys;
pub use logins::Logins;
pub use mail::Mail;
pub use models::Models;
pub use monitoring::Monitoring;
pub use prices::{Price, Prices};
pub use providers::{Provider, Providers, SignIn, is_provider_name};
pub use rate_limit::RateLimit;
use reader::Reader;
pub use section::{Declared, Section};
pub use setting::{Secret, SecretRef, Setting};
pub use smoke::Smoke;
pub use storage::Storage;
pub use tokens::Tokens;
pub use web::Web;

/// All settings. Every function reads and checks all of them.
#[derive(Debug, Clone)]
pub struct Config {
    pub application: Application,
    pub web: Web,
    pub mail: Mail,
    pub database: Database,
    pub logins: Logins,
    pub cache: Cache,
    pub tokens: Tokens,
    pub sign_in: SignIn,
    pub keys: Keys,
    pub storage: Storage,
    pub smoke: Smoke,
    pub rate_limit: RateLimit,
    pub models: Models,
    pub monitoring: Monitoring,
}

/// All problems found, so that one failed start names every one of them.
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
    /// Reads the process environment. `required` names the variables without which the function does not start.
    pub fn from_env(required: &[&str]) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
        let config = Self::from_lookup(|key| env::var(key).ok(), required);
        // What `main` returns is printed outside the log.
        config.inspect_err(|error| tracing::error!(%error, "function not started"))
    }

    /// Reads from `lookup`, so that tests need not change the process environment.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&str],
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(&lookup, required);
        let config = Self {
            // First: it decides whether secrets may be values.
            application: Application::read(&mut reader),
            web: Web::read(&mut reader),
            mail: Mail::read(&mut reader),
            database: Database::read(&mut reader),
            logins: Logins::read(&mut reader),
            cache: Cache::read(&mut reader),
            tokens: Tokens::read(&mut reader),
            sign_in: SignIn::read(&mut reader),
            keys: Keys::read(&mut reader),
            storage: Storage::read(&mut reader),
            smoke: Smoke::read(&mut reader),
            rate_limit: RateLimit::read(&mut reader),
            models: Models::read(&mut reader),
            monitoring: Monitoring::read(&mut reader),
        };
        config.database.check(&mut reader);
        config.sign_in.check(&config.web, &mut reader);
        config.models.check(&mut reader);
        config.monitoring.check(&mut reader);
        reader.finish().map(|()| config)
    }
}

/// Returns the documentation of every variable, section by section. For `settings`, which writes it down.
#[must_use]
pub fn sections() -> Vec<Section> {
    vec![
        Application::section(),
        Web::section(),
        Mail::section(),
        Database::section(),
        Logins::section(),
        Cache::section(),
        Tokens::section(),
        SignIn::section(),
        Keys::section(),
        Storage::section(),
        Smoke::section(),
        RateLimit::section(),
        Models::section(),
        Monitoring::section(),
        aws::section(),
    ]
}
