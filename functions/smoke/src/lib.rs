//! Tries the new versions before they get traffic, as CodeDeploy asks, and says whether they may have it.

mod answer;
mod checks;
mod verdict;
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
use verdict::Verdict;

/// What it is told on a command line.
pub const USAGE: &str = r#"usage: smoke '{"DeploymentId": "d-…", "LifecycleEventHookExecutionId": "…"}'

CodeDeploy calls it before a new version gets traffic. The SMOKE_… variables name the versions."#;

/// The settings without which this function does not start.
const REQUIRED: &[&str] = &[
    "SMOKE_EMAIL",
    "SMOKE_PASSWORD",
    "SMOKE_SYSTEM",
    "SMOKE_DOCS",
    "SMOKE_AUTH",
    "SMOKE_ORGANIZATIONS",
    "SMOKE_USERS",
];
/// What is kept of the time for telling CodeDeploy, which is a call to AWS and its repetition.
const RESERVE: Duration = Duration::from_secs(12);

/// What CodeDeploy asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    deployment_id: String,
    lifecycle_event_hook_execution_id: String,
}

/// What was tried, and what CodeDeploy was told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    status: Verdict,
    checks: Vec<Check>,
}

/// Reads the settings.
pub fn make() -> Result<Config, ConfigError> {
    Config::from_env(REQUIRED)
}

/// Tries everything, one after the other, until something is wrong; tells CodeDeploy in any case.
pub async fn run(config: &Config, event: Event, job: &Job) -> anyhow::Result<Report> {
    let checks = Checks::default();
    // A task of its own: a panic in it is an answer too, and CodeDeploy must have one.
    let work = tokio::spawn(Box::pin(checks::all(config.clone(), Secrets::default(), checks.clone())));
    let done = timeout(job.deadline.left(RESERVE), work).await;
    let verdict = if matches!(done, Ok(Ok(()))) { Verdict::Succeeded } else { Verdict::Failed };
    if done.is_err() {
        checks.failed("everything", "there was no time for the rest");
    } else if matches!(done, Ok(Err(_))) {
        checks.failed("everything", "a panic, or an end that nobody expected");
    }
    let checks = checks.taken();
    let verdict = if checks.iter().all(|check| check.passed) { verdict } else { Verdict::Failed };
    for check in &checks {
        let outcome = if check.passed { "passed" } else { "failed" };
        counter!("SmokeChecks", "outcome" => outcome).increment(1);
    }
    tracing::info!(deployment = event.deployment_id, verdict = ?verdict, checks = ?checks, "versions tried");
    verdict::tell(&event.deployment_id, &event.lifecycle_event_hook_execution_id, verdict)
        .await
        .context("CodeDeploy was not told")?;
    Ok(Report { status: verdict, checks })
}
