//! Tells CodeDeploy whether the traffic may move.

use std::time::Duration;

use aws_sdk_codedeploy::{Client, types::LifecycleEventStatus};
use backon::{ConstantBuilder, Retryable};
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

/// The number of calls to CodeDeploy before giving up. Without an answer it waits for an hour.
const MAX_ATTEMPTS: usize = 5;
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Ends the hook `execution` of `deployment`.
pub async fn tell(deployment: &str, execution: &str, verdict: Verdict) -> anyhow::Result<()> {
    let status = match verdict {
        Verdict::Succeeded => LifecycleEventStatus::Succeeded,
        Verdict::Failed => LifecycleEventStatus::Failed,
    };
    let tell = Client::new(aws::config().await).put_lifecycle_event_hook_execution_status();
    let tell = tell.deployment_id(deployment).lifecycle_event_hook_execution_id(execution).status(status);
    (|| tell.clone().send())
        .retry(ConstantBuilder::new().with_delay(RETRY_DELAY).with_max_times(MAX_ATTEMPTS - 1))
        .notify(|error, _| tracing::warn!(%error, "CodeDeploy is told again"))
        .await?;
    Ok(())
}
