//! Counts again what organizations have. The totals change together with the rows, so a difference is a bug.

use metrics::histogram;
use shared::{db::Tx, domain::ids::OrganizationId, store::recount, telemetry};
use uuid::Uuid;

use crate::Run;

/// Counts the rows of every organization, and corrects its totals. Returns how many were wrong; of a dry run 0.
pub(crate) async fn check(run: &Run<'_>) -> anyhow::Result<u64> {
    let (mut after, mut wrong) = (OrganizationId(Uuid::nil()), 0);
    if run.dry {
        return Ok(0);
    }
    while run.has_time() {
        let next = async |tx: &mut Tx| anyhow::Ok(recount::next(tx, after).await?);
        let Some(organization) = run.state.db.transaction_as(next).await? else {
            #[expect(clippy::cast_precision_loss, reason = "a few organizations")]
            histogram!("TotalsDrift").record(wrong as f64);
            break;
        };
        let count = async |tx: &mut Tx| anyhow::Ok(recount::correct(tx, organization).await?);
        if run.state.db.transaction_as(count).await? {
            tracing::warn!(request.id = run.job.id, organization.id = %organization, "totals were wrong; corrected");
            wrong += 1;
        }
        after = organization;
        telemetry::flush();
    }
    Ok(wrong)
}
