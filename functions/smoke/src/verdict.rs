//! Tells CodeDeploy whether the traffic may move.

use aws_sdk_codedeploy::{Client, types::LifecycleEventStatus};
use serde::Serialize;
use shared::outside::aws;

/// Whether the new versions may have traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// They may.
    Succeeded,
    /// They may not: CodeDeploy takes the deployment back.
    Failed,
}

/// Ends the hook `execution` of `deployment`.
pub async fn tell(deployment: &str, execution: &str, verdict: Verdict) -> anyhow::Result<()> {
    let status = match verdict {
        Verdict::Succeeded => LifecycleEventStatus::Succeeded,
        Verdict::Failed => LifecycleEventStatus::Failed,
    };
    let told = Client::new(aws::config().await).put_lifecycle_event_hook_execution_status();
    told.deployment_id(deployment).lifecycle_event_hook_execution_id(execution).status(status).send().await?;
    Ok(())
}
