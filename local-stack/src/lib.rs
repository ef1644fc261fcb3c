//! The services that the functions stand on, as processes of this machine: PostgreSQL, PgBouncer, Redis, and
//! stand-ins for AWS. `cargo xtask dev` and `cargo xtask test` run on it.
//!
//! Every service is a real process with a log in `<dir>/logs` and a note in `<dir>/run`, and is stopped when its
//! value is dropped. A run that was killed leaves its notes, and the next start in the same folder obeys them.

pub mod aws;
pub mod command;
mod credentials;
pub mod environment;
mod interrupt;
pub mod leftovers;
mod npm;
mod packages;
pub mod pgbouncer;
pub mod ports;
pub mod postgres;
mod process;
pub mod redis;
mod report;
mod scratch;
pub mod service;
pub mod stack;
mod tools;
mod unprivileged;
mod wait;

pub use aws::Aws;
pub use credentials::Credentials;
pub use interrupt::{Interrupt, Interrupted};
pub use packages::Packages;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use redis::Redis;
pub use report::{Report, Silent};
pub use scratch::Scratch;
pub use service::Service;
pub use stack::Stack;
pub use tools::{ToolSet, Tools};
