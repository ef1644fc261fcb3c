//! The harness of the tests: calls the API as a client does.
//!
//! The services are real and come from `cargo xtask test`: PostgreSQL behind PgBouncer in transaction mode with three server
//! connections, Redis, and an AWS endpoint for the real SDK. Each test has its own database and its own key space in Redis, so all
//! tests can run at once.

pub mod browser;
mod bystanders;
mod canary;
mod client;
mod database;
pub mod document;
pub mod events;
mod functions;
mod identity;
pub mod ingestion;
pub mod issuer;
pub mod model;
pub mod passkey;
mod request_log;
pub mod runtime_api;
mod second_factor;
mod secrets;
mod server;
pub mod sign_in;
mod strict_s3;
mod tenant;
mod tls;
pub mod upload;
mod wire;

use std::{collections::HashMap, env, sync::Arc};

use auth::AuthState;
use chrono::{DateTime, Utc};
use shared::{
    AppState,
    config::Config,
    domain::clock::FrozenClock,
    mail::mailer::{Mail, RecordingMailer},
};
use uuid::Uuid;

pub use bystanders::Bystanders;
pub use canary::{CANARIES, all_rows, create_canaries};
pub use client::{Answer, CHALLENGE, Client, PASSWORD, Person};
pub use database::Database;
use functions::Functions;
pub use identity::Identity;
pub use issuer::Issuer;
pub use passkey::Passkey;
use request_log::RequestLog;
pub use second_factor::{Authenticator, SecondFactor, recovery_codes};
pub use secrets::{create_secret, printable, put_secret, split_credentials};
pub use server::Server;
pub use strict_s3::StrictS3;
pub use tenant::{ApiKey, Invitation, token_in};
pub use tls::TlsProxy;
pub use wire::Wire;

/// The time at which every test starts.
pub const START: &str = "2026-01-02T03:04:05Z";
/// The allowed CORS origin.
pub const ORIGIN: &str = "https://app.example.com";

/// Returns a variable that `cargo xtask test` sets.
#[must_use]
pub fn service(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment of the tests has the addresses of the services"
    )]
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run the tests with `cargo xtask test`"))
}

/// All API functions in one process, with their own database.
pub struct TestApp {
    pub state: AuthState,
    /// The clock of the functions.
    pub clock: FrozenClock,
    /// For what the API cannot set up or show.
    pub database: Arc<Database>,
    mailer: RecordingMailer,
    functions: Functions,
    log: RequestLog,
}

impl TestApp {
    /// Starts the functions with the default settings of the tests.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Starts the functions with some settings changed.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::on(Database::create().await, settings)
    }

    /// Starts the functions on `database`, with some settings changed.
    #[must_use]
    pub fn on(database: Database, settings: &[(&str, &str)]) -> Self {
        let config = Config::from_lookup(lookup(&database, settings), &[]).expect("a valid configuration");
        let start: DateTime<Utc> = START.parse().expect("START is a timestamp");
        Self::assemble(config, Arc::new(database), FrozenClock::at(start), RequestLog::start())
    }

    /// Starts another instance of the same functions, with empty caches.
    #[must_use]
    pub fn second_instance(&self) -> Self {
        self.another(Config::clone(&self.state.app.config))
    }

    /// Starts another instance, with some settings changed.
    #[must_use]
    pub fn second_instance_with(&self, settings: &[(&str, &str)]) -> Self {
        let config =
            Config::from_lookup(lookup(&self.database, settings), &[]).expect("a valid configuration");
        self.another(config)
    }

    fn another(&self, config: Config) -> Self {
        Self::assemble(config, Arc::clone(&self.database), self.clock.clone(), self.log.clone())
    }

    fn assemble(config: Config, database: Arc<Database>, clock: FrozenClock, log: RequestLog) -> Self {
        let mailer = RecordingMailer::default();
        let app = AppState::with_clock(config, Arc::new(clock.clone()));
        let state = AuthState::with_mailer(app, Arc::new(mailer.clone()));
        let functions = Functions::new(&state);
        Self { state, clock, database, mailer, functions, log }
    }

    /// Returns an anonymous client with its own source address.
    #[must_use]
    pub fn client(&self) -> Client<'_> {
        Client::new(self, &address())
    }

    /// Serves the whole API on a local port, until the value is dropped.
    pub async fn serve(&self) -> Server {
        Server::start(self.functions.clone(), self.log.clone()).await
    }

    /// Returns what the functions have logged about the requests so far. It is shown if the test fails.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Returns every mail so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mailer.sent()
    }

    /// Puts `value` into Redis under `key`, for 5 s.
    pub async fn put_in_cache(&self, key: &str, value: &str) {
        let redis = &self.state.app.redis;
        let mut commands = redis::pipe();
        commands.cmd("SET").arg(redis.key(key)).arg(value).arg("EX").arg(5).ignore();
        redis.query::<()>(&commands).await.expect("Redis");
    }

    /// Registers a user and signs in.
    pub async fn person(&self, name: &str) -> Person<'_> {
        Person::register(self, name).await
    }
}

/// Returns an unused source address.
fn address() -> String {
    let [a, b, c, ..] = *Uuid::new_v4().as_bytes();
    format!("10.{a}.{b}.{c}")
}

/// Looks up the settings of a function under test, with `changes`.
fn lookup(database: &Database, changes: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let mut settings = environment(database);
    settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    move |name| settings.get(name).cloned()
}

/// Settings of `cargo xtask test` that the functions under test do not get, because the log must show the default version.
const NOT_PASSED: [&str; 1] = ["APP_VERSION"];

/// Returns the settings of `cargo xtask test`, for a function that uses no database.
#[must_use]
pub fn environment_without_database() -> HashMap<String, String> {
    let given = service("TEST_SETTINGS");
    let passed = given.split(',').filter(|name| !NOT_PASSED.contains(name));
    passed.map(|name| (name.to_owned(), service(name))).collect()
}

/// Returns the environment of a function on `database`, with references to secrets as in AWS.
#[must_use]
pub fn environment(database: &Database) -> HashMap<String, String> {
    let mut environment = environment_without_database();
    environment.extend(function_settings(database));
    environment
}

/// Returns the settings of a function on `database` that are not secrets.
#[must_use]
pub fn function_settings(database: &Database) -> HashMap<String, String> {
    [
        ("NODE_ENV", "test".to_owned()),
        ("DATABASE_URL", database.pooler_url()),
        ("REDIS_URL", service("TEST_REDIS_URL")),
        ("REDIS_PREFIX", format!("test:{}", database.name())),
        ("CORS_ORIGINS", ORIGIN.to_owned()),
        ("RATE_LIMIT_MAX_REQUESTS", "100000".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
