//! Tests new versions before they get traffic, and reports the result to CodeDeploy, which invokes it.

mod answer;
mod checks;
mod codedeploy;
mod versions;

use std::time::Duration;

use anyhow::Context;
use metrics::counter;
use serde::{Deserialize, Serialize};
use shared::{
    aws::secrets::Secrets,
    config::{Config, ConfigError},
    lambda::job::Job,
};
use tokio::time::timeout;

pub use checks::Check;
use checks::Checks;
use codedeploy::SmokeResult;

/// Printed for `--help` and for wrong arguments.
pub const USAGE: &str = r#"usage: smoke '{"DeploymentId": "d-…", "LifecycleEventHookExecutionId": "…"}'

Test the versions that the SMOKE_… variables name, and report the result to CodeDeploy.

CodeDeploy invokes it before a new version gets traffic."#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &[
    "SMOKE_EMAIL",
    "SMOKE_PASSWORD",
    "SMOKE_SYSTEM",
    "SMOKE_DOCS",
    "SMOKE_AUTH",
    "SMOKE_ORGANIZATIONS",
    "SMOKE_USERS",
    "SMOKE_ARTIFACTS",
    "SMOKE_SEARCH",
];
/// Time kept at the end of the run to report to CodeDeploy: one call to AWS with its retries.
const RESERVE: Duration = Duration::from_secs(12);

/// The event of a CodeDeploy hook.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    deployment_id: String,
    lifecycle_event_hook_execution_id: String,
}

/// The checks, and the result that CodeDeploy received.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    status: SmokeResult,
    checks: Vec<Check>,
}

/// Reads the settings.
pub fn make() -> Result<Config, ConfigError> {
    Config::from_env(REQUIRED)
}

/// Runs the checks until one fails. Reports to CodeDeploy in every case.
pub async fn run(config: &Config, event: Event, job: &Job) -> anyhow::Result<Report> {
    let checks = Checks::default();
    // In a separate task: CodeDeploy must get a result also after a panic.
    let work = tokio::spawn(Box::pin(checks::run_all(config.clone(), Secrets::default(), checks.clone())));
    let done = timeout(job.deadline.left(RESERVE), work).await;
    if done.is_err() {
        checks.add_failure("everything", "deadline exceeded");
    } else if matches!(done, Ok(Err(_))) {
        checks.add_failure("everything", "the checks panicked");
    }
    let checks = checks.results();
    let result =
        if checks.iter().all(|check| check.passed) { SmokeResult::Succeeded } else { SmokeResult::Failed };
    for check in &checks {
        let outcome = if check.passed { "passed" } else { "failed" };
        counter!("SmokeChecks", "outcome" => outcome).increment(1);
    }
    tracing::info!(deployment = event.deployment_id, verdict = ?result, checks = ?checks, "versions tried");
    codedeploy::report(&event.deployment_id, &event.lifecycle_event_hook_execution_id, result)
        .await
        .context("report to CodeDeploy failed")?;
    Ok(Report { status: result, checks })
}
