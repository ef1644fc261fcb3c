//! What the sweeper does with conversations: ends answers that have stopped, and removes deleted conversations.

use metrics::counter;
use shared::{db::Tx, lambda::job::Job, store, telemetry};

use crate::{State, Swept};

/// Deleted conversations of one transaction. Their messages are gone already.
const BATCH_ROWS: i64 = 1_000;

/// Ends the answers that are not finished at their deadline, each in its own transaction with the settlement of its tokens, and removes
/// deleted conversations in which no model writes any more. Returns whether none is left.
pub(crate) async fn sweep(
    state: &State,
    job: &Job,
    has_time: impl Fn() -> bool,
    swept: &mut Swept,
) -> anyhow::Result<bool> {
    loop {
        if !has_time() {
            return Ok(false);
        }
        let end =
            async |tx: &mut Tx| anyhow::Ok(store::messages::interrupt_next(tx, None, &state.prices).await?);
        let Some(ended) = state.db.transaction_as(end).await? else { break };
        let (organization, message) = (ended.organization, ended.message);
        tracing::warn!(
            request.id = job.id,
            organization.id = %organization,
            message.id = %message,
            "answer without an end interrupted"
        );
        counter!("AnswersInterrupted").increment(1);
        swept.answers_interrupted += 1;
        telemetry::flush();
    }
    loop {
        if !has_time() {
            return Ok(false);
        }
        let remove =
            async |tx: &mut Tx| anyhow::Ok(store::conversations::remove_deleted(tx, BATCH_ROWS).await?);
        let removed = state.db.transaction_as(remove).await?;
        swept.conversations_removed += removed;
        if removed < BATCH_ROWS.unsigned_abs() {
            return Ok(true);
        }
    }
}
