//! The job `%kebab%`. Runs every day.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::{
    aws::secrets::Secrets,
    config::{Config, ConfigError},
    db::Db,
    domain::clock::SystemClock,
    lambda::job::Job,
    store,
};

/// Printed for a command line that is not understood.
pub const USAGE: &str = "usage: %kebab% ['{\"dryRun\": true}']

DATABASE_URL names the database.";
/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_URL"];

/// The event: `{}`, or `{"dryRun": true}`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Counts, and changes nothing.
    pub dry_run: bool,
}

/// The result of a run.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub dry_run: bool,
    /// The rows that were changed, or that a run would change.
    pub rows: u64,
}

/// Created once in `main`.
pub struct State {
    db: Db,
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    let config = Config::from_env(REQUIRED)?;
    Ok(State { db: Db::new(config.database.clone(), Secrets::default(), None, Arc::new(SystemClock)) })
}

/// Runs the job. Safe to run again: the next run does what this one left.
pub async fn run(state: &State, request: Request, _: &Job) -> anyhow::Result<Report> {
    // Replace this by the work: short transactions, each with functions of `shared::store`.
    state.db.transaction_as(async |tx| anyhow::Ok(store::ping(tx).await?)).await?;
    Ok(Report { dry_run: request.dry_run, rows: 0 })
}
