//! The services that the functions need, as local processes: PostgreSQL, PgBouncer, Redis, an embedding model, identity providers, and stand-ins for AWS; and a
//! server of the console. `cargo xtask dev`, `cargo xtask test` and `cargo xtask bench` start them.
//!
//! Every service is a real process with a log in `<dir>/logs` and a record in `<dir>/run`. It is stopped when its value is dropped. A
//! killed run leaves its records, and the next start in the same folder stops the recorded processes.

pub mod aws;
pub mod chromium;
pub mod command;
pub mod console;
mod credentials;
pub mod environment;
mod http;
mod interrupt;
pub mod loopback;
pub mod model;
mod npm;
pub mod orphans;
pub mod packages;
pub mod pgbouncer;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod providers;
pub mod queues;
pub mod receivers;
pub mod redis;
mod report;
pub mod scratch;
pub mod service;
pub mod stack;
pub mod tools;
mod unprivileged;
mod wait;

pub use aws::Aws;
pub use credentials::{Credentials, write_private};
pub use interrupt::{Interrupt, Interrupted};
pub use model::Model;
pub use npm::NpmPackages;
pub use packages::Packages;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use redis::Redis;
pub use report::{Report, Silent};
pub use scratch::Scratch;
pub use service::Service;
pub use stack::Stack;
pub use tools::{ToolSet, Tools};
