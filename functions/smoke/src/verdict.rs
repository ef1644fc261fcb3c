//! Tells CodeDeploy whether the traffic may move.

use std::time::Duration;

use aws_sdk_codedeploy::{Client, types::LifecycleEventStatus};
use serde::Serialize;
use shared::aws::client;
use tokio::time::sleep;

/// Whether the new versions may have traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// They may.
    Succeeded,
    /// They may not: CodeDeploy takes the deployment back.
    Failed,
}

/// How often CodeDeploy is told if it does not hear: otherwise it waits for an hour.
const ATTEMPTS: u32 = 5;
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// Ends the hook `execution` of `deployment`.
pub async fn tell(deployment: &str, execution: &str, verdict: Verdict) -> anyhow::Result<()> {
    let status = match verdict {
        Verdict::Succeeded => LifecycleEventStatus::Succeeded,
        Verdict::Failed => LifecycleEventStatus::Failed,
    };
    let tell = Client::new(client::config().await).put_lifecycle_event_hook_execution_status();
    let tell = tell.deployment_id(deployment).lifecycle_event_hook_execution_id(execution).status(status);
    let mut attempt = 1;
    loop {
        match tell.clone().send().await {
            Ok(_) => return Ok(()),
            Err(error) if attempt < ATTEMPTS => {
                tracing::warn!(%error, "CodeDeploy is told again");
                attempt += 1;
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
