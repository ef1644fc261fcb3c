//! Reports the result to CodeDeploy.

use std::time::Duration;

use aws_sdk_codedeploy::{Client, types::LifecycleEventStatus};
use backon::{ConstantBuilder, Retryable};
use serde::Serialize;
use shared::aws::client;

/// The result that decides whether the new versions get traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SmokeResult {
    Succeeded,
    /// CodeDeploy rolls the deployment back.
    Failed,
}

/// Calls to CodeDeploy before giving up. Without a result it waits for an hour.
const MAX_ATTEMPTS: usize = 5;
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Ends the hook `execution` of `deployment`.
pub async fn report(deployment: &str, execution: &str, result: SmokeResult) -> anyhow::Result<()> {
    let status = match result {
        SmokeResult::Succeeded => LifecycleEventStatus::Succeeded,
        SmokeResult::Failed => LifecycleEventStatus::Failed,
    };
    let request = Client::new(client::config().await).put_lifecycle_event_hook_execution_status();
    let request =
        request.deployment_id(deployment).lifecycle_event_hook_execution_id(execution).status(status);
    (|| request.clone().send())
        .retry(ConstantBuilder::new().with_delay(RETRY_DELAY).with_max_times(MAX_ATTEMPTS - 1))
        .notify(|error, _| tracing::warn!(%error, "report to CodeDeploy retried"))
        .await?;
    Ok(())
}
