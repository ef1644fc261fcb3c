//! `retention` deletes expired rows, and nothing else.

mod edges;
mod holds;
mod load;
mod never_verified;
mod order;
mod organizations;
mod plans;
mod seeds;
mod users;

use std::{collections::HashMap, sync::Arc};

use harness::{TestApp, function_settings, service};
use retention::{Report, Request, State, run};
use shared::{
    config::Config,
    lambda::job::{Deadline, Job},
};
use sqlx::AssertSqlSafe;

/// Returns the settings of `retention` on the app's database. A `bucket` other than the real one does not exist.
fn settings(app: &TestApp, bucket: &str) -> HashMap<String, String> {
    let mut settings = function_settings(&app.database);
    settings.insert("DATABASE_URL".to_owned(), app.database.retention_url());
    settings.insert("ERASURE_BUCKET".to_owned(), bucket.to_owned());
    settings.insert("ARTIFACT_BUCKET".to_owned(), "artifacts".to_owned());
    settings.insert("ENCRYPTION_KEY".to_owned(), service("ENCRYPTION_KEY"));
    settings.insert("EXTRACT_QUEUE_URL".to_owned(), "http://127.0.0.1:9/extract".to_owned());
    settings.insert("INDEX_QUEUE_URL".to_owned(), "http://127.0.0.1:9/index".to_owned());
    settings
}

/// Returns the state of `retention` on the app's database, with the app's clock.
pub fn state_with(app: &TestApp, bucket: &str) -> State {
    state_of(app, &settings(app, bucket))
}

/// Returns the state of `retention` on the app's database, with some settings changed.
pub fn state_set(app: &TestApp, changes: &[(&str, &str)]) -> State {
    let mut settings = settings(app, &service("ERASURE_BUCKET"));
    settings.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    state_of(app, &settings)
}

fn state_of(app: &TestApp, settings: &HashMap<String, String>) -> State {
    let config = Config::from_lookup(|name| settings.get(name).cloned(), retention::REQUIRED);
    State::new(&config.expect("a valid configuration"), Arc::new(app.clock.clone()))
}

fn state(app: &TestApp) -> State {
    state_with(app, &service("ERASURE_BUCKET"))
}

pub fn job(deadline: Deadline) -> Job {
    Job { id: "the-run".to_owned(), deadline }
}

/// Runs `retention` to its end.
async fn clean(app: &TestApp) -> Report {
    run(&state(app), Request::default(), &job(Deadline::far())).await.expect("a report")
}

/// Runs `retention` without changes.
async fn dry_run(app: &TestApp) -> Report {
    run(&state(app), Request { dry_run: true, ..Request::default() }, &job(Deadline::far()))
        .await
        .expect("a report")
}

/// Returns how many rows of `table` were deleted and how many were held.
fn counts(report: &Report, table: &str) -> (u64, u64) {
    let found = report.tables.iter().find(|cleaned| cleaned.table == table).expect("the table");
    (found.removed, found.held)
}

fn total(report: &Report) -> u64 {
    report.tables.iter().map(|cleaned| cleaned.removed).sum()
}

/// Executes `statement`. In it, `$now` is the app's time.
async fn insert(app: &TestApp, statement: &str) {
    let now = format!("'{}'::timestamptz", app.state.app.clock.now().to_rfc3339());
    sqlx::raw_sql(AssertSqlSafe(statement.replace("$now", &now)))
        .execute(app.database.pool())
        .await
        .expect("a valid statement");
}

/// Returns the single text of `query`.
async fn text(app: &TestApp, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(app.database.pool()).await.expect("a text")
}
