//! Everything a test needs to talk to the API as a client would.
//!
//! The services are real and come from `cargo xtask test`: PostgreSQL behind PgBouncer in transaction mode with three server
//! connections, Redis, and an AWS endpoint for the real SDK. Each test has a database and a key space of its own, so
//! that all run at once and leave nothing behind.

mod client;
mod database;
pub mod document;
pub mod events;
mod functions;
mod identity;
mod planted;
pub mod runtime_api;
mod secrets;
mod server;
mod tenant;
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

pub use client::{Answer, Client, PASSWORD, Person};
pub use database::Database;
use functions::Functions;
pub use identity::Identity;
pub use planted::{PLANTED, everything, planted};
pub use secrets::{apart, create_secret, printable, put_secret};
pub use server::Server;
pub use tenant::{ApiKey, Invitation, token_in};
pub use wire::Wire;

/// The moment at which every test starts.
pub const START: &str = "2026-01-02T03:04:05Z";
/// The origin that may call from a browser.
pub const ORIGIN: &str = "https://app.example.com";

/// A variable that `cargo xtask test` sets.
#[must_use]
pub fn service(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests learn from their environment where the services are"
    )]
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set; run the tests with `cargo xtask test`"))
}

/// All API functions in one process, on a database of their own.
pub struct TestApp {
    /// What the functions are made of.
    pub state: AuthState,
    /// Moves the functions' time.
    pub clock: FrozenClock,
    /// For arranging and inspecting what the API cannot.
    pub database: Arc<Database>,
    mailer: RecordingMailer,
    functions: Functions,
}

impl TestApp {
    /// With the settings that suit most tests.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With some settings changed.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let database = Database::create().await;
        let config = Config::from_lookup(lookup(&database, settings), &[]).expect("a valid configuration");
        let start: DateTime<Utc> = START.parse().expect("START is a timestamp");
        Self::assemble(config, Arc::new(database), FrozenClock::at(start))
    }

    /// Another instance of the same functions: it has read nothing yet.
    #[must_use]
    pub fn beside(&self) -> Self {
        let config = Config::clone(&self.state.app.config);
        Self::assemble(config, Arc::clone(&self.database), self.clock.clone())
    }

    /// Another instance, with some settings changed.
    #[must_use]
    pub fn beside_with(&self, settings: &[(&str, &str)]) -> Self {
        let config =
            Config::from_lookup(lookup(&self.database, settings), &[]).expect("a valid configuration");
        Self::assemble(config, Arc::clone(&self.database), self.clock.clone())
    }

    fn assemble(config: Config, database: Arc<Database>, clock: FrozenClock) -> Self {
        let mailer = RecordingMailer::default();
        let app = AppState::with_clock(config, Arc::new(clock.clone()));
        let state = AuthState::with_mailer(app, Arc::new(mailer.clone()));
        let functions = Functions::new(&state);
        Self { state, clock, database, mailer, functions }
    }

    /// A client with an address of its own, signed in nowhere.
    #[must_use]
    pub fn client(&self) -> Client<'_> {
        Client::new(self, &address())
    }

    /// The whole API on a port of this machine, until the value is dropped.
    pub async fn serve(&self) -> Server {
        Server::start(self.functions.clone()).await
    }

    /// Every mail so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.mailer.sent()
    }

    /// A person with an account, signed in.
    pub async fn person(&self, name: &str) -> Person<'_> {
        Person::register(self, name).await
    }
}

/// An address that nobody else has.
fn address() -> String {
    let [a, b, c, ..] = *Uuid::new_v4().as_bytes();
    format!("10.{a}.{b}.{c}")
}

/// The settings of a function under test, with `changes`.
fn lookup(database: &Database, changes: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let mut settings = environment(database);
    settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    move |name| settings.get(name).cloned()
}

/// Settings that `cargo xtask test` makes and that the functions under test do not get: the log shows the default version.
const NOT_PASSED: [&str; 1] = ["APP_VERSION"];

/// The environment of a function on `database`, secrets by reference as in AWS.
#[must_use]
pub fn environment(database: &Database) -> HashMap<String, String> {
    let given = service("TEST_SETTINGS");
    let passed = given.split(',').filter(|name| !NOT_PASSED.contains(name));
    let mut environment: HashMap<_, _> = passed.map(|name| (name.to_owned(), service(name))).collect();
    environment.extend(function_settings(database));
    // As in the template: the stage's name is no part of our routes.
    environment.insert("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH".to_owned(), "true".to_owned());
    environment
}

/// What a function on `database` is told, beyond its secrets.
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
