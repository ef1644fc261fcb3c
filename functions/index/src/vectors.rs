//! Has the chunks of an artifact embedded, in batches, within the budget of its organization.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    db::Tx,
    domain::{
        deadline::Deadline,
        ids::ChunkId,
        ingestion::{FailureCode, Upload},
        usage::{Usage, UsageKind},
    },
    http_client::embeddings::{EmbeddingError, estimate},
    store,
    store::chunks::Pending,
};
use uuid::Uuid;

use crate::{
    indexing::{End, RESERVE, Work},
    try_again,
};

/// Chunks of one call of the model.
const BATCH_CHUNKS: i64 = 64;
/// A reservation expires so long after the call must have ended.
const SETTLEMENT_TIME: TimeDelta = TimeDelta::minutes(1);
/// The pause after the first failure of the model. It doubles with each one: 30, 60, 120, 240 s until the message is a dead letter.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_mins(4);

/// Chunks whose tokens are reserved.
struct Batch {
    /// The id of the reservation.
    reservation: Uuid,
    chunks: Vec<Pending>,
}

/// What a call of the model used.
struct Bill {
    reservation: Uuid,
    tokens: u64,
    estimated: bool,
}

enum Next {
    Batch(Batch),
    /// All chunks have vectors; the artifact is ready.
    Done,
    BudgetUsedUp,
    Stopped,
}

/// Has the chunks without vectors embedded, and makes the artifact ready when all have one.
pub(crate) async fn embed(work: &Work<'_>) -> anyhow::Result<End> {
    let model = &work.state.model;
    let find = async |tx: &mut Tx| {
        anyhow::Ok(store::embedding_spaces::find_or_create(tx, &model.name, model.dimensions).await?)
    };
    let space = work.state.db.transaction_as(find).await?;
    loop {
        let Some(time) = work.time_for(model.timeout + RESERVE) else { return Ok(End::Continue) };
        let next = work.state.db.transaction_as(async |tx| next(work, tx, space, time).await);
        let batch = match next.await? {
            Next::Batch(batch) => batch,
            Next::Done => return Ok(End::Done),
            Next::BudgetUsedUp => return Ok(End::Failed(FailureCode::BudgetUsedUp)),
            Next::Stopped => return Ok(End::Stopped),
        };
        let texts: Vec<_> = batch.chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        let embedded = match work.state.embeddings.embed(&texts, Deadline::after(time)).await {
            Ok(embedded) => embedded,
            Err(error) => return Err(not_embedded(work, batch.reservation, error).await),
        };
        let bill =
            Bill { reservation: batch.reservation, tokens: embedded.tokens, estimated: embedded.estimated };
        let vectors: Vec<_> = batch.chunks.iter().map(|chunk| chunk.id).zip(embedded.vectors).collect();
        let store =
            work.state.db.transaction_as(async |tx| store_vectors(work, tx, space, &bill, &vectors).await);
        match store.await? {
            Some(lease_until) => work.stepped(lease_until),
            None => return Ok(End::Stopped),
        }
    }
}

/// Reserves the tokens of the next batch, for a call of `time`. Without chunks that need vectors, makes the artifact ready.
async fn next(work: &Work<'_>, tx: &mut Tx, space: i16, time: Duration) -> anyhow::Result<Next> {
    if !work.lock(tx).await? {
        return Ok(Next::Stopped);
    }
    let Upload { organization_id, artifact_id, .. } = *work.upload;
    let chunks = store::chunks::list_pending(tx, organization_id, artifact_id, space, BATCH_CHUNKS).await?;
    if chunks.is_empty() {
        let lease_until = Work::next_lease(tx);
        store::ingestion::count_done(tx, work.upload, space, lease_until).await?;
        store::ingestion::set_ready(tx, work.upload, &work.message.request()).await?;
        return Ok(Next::Done);
    }
    let texts: Vec<_> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    let (reservation, limit) = (Uuid::now_v7(), work.state.limits.tokens_per_month);
    let expires_at = tx.now() + TimeDelta::from_std(time)? + SETTLEMENT_TIME;
    let tokens = estimate(&texts);
    let reserved =
        store::token_budgets::reserve(tx, organization_id, reservation, tokens, limit, expires_at).await?;
    Ok(if reserved { Next::Batch(Batch { reservation, chunks }) } else { Next::BudgetUsedUp })
}

/// Stores the vectors and settles their tokens. The tokens are paid also if the artifact was deleted; then it returns `None`.
async fn store_vectors(
    work: &Work<'_>,
    tx: &mut Tx,
    space: i16,
    bill: &Bill,
    vectors: &[(ChunkId, Vec<f32>)],
) -> anyhow::Result<Option<DateTime<Utc>>> {
    let Upload { organization_id, artifact_id, .. } = *work.upload;
    let may_change = work.lock(tx).await?;
    let lease_until = Work::next_lease(tx);
    if may_change {
        store::chunks::insert_vectors(tx, organization_id, artifact_id, space, vectors).await?;
        store::ingestion::count_done(tx, work.upload, space, lease_until).await?;
    }
    let model = &work.state.model;
    let usage = Usage {
        kind: UsageKind::Embedding,
        model: &model.name,
        prompt_tokens: bill.tokens,
        completion_tokens: 0,
        cost_micros: model.prices.cost_micros(&model.name, bill.tokens, 0),
        estimated: bill.estimated,
    };
    store::token_budgets::settle(tx, organization_id, bill.reservation, &usage).await?;
    Ok(may_change.then_some(lease_until))
}

/// Ends the delivery of a batch that the model did not embed.
async fn not_embedded(work: &Work<'_>, reservation: Uuid, error: EmbeddingError) -> anyhow::Error {
    let cancel = async |tx: &mut Tx| {
        let organization = work.upload.organization_id;
        anyhow::Ok(store::token_budgets::cancel(tx, organization, reservation).await?)
    };
    let is_temporary = !matches!(error, EmbeddingError::Rejected(_));
    let ended = match work.state.db.transaction_as(cancel).await {
        Ok(()) => work.release(is_temporary).await,
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        let id = &work.message.id;
        tracing::warn!(
            message.id = id,
            error = format!("{error:#}"),
            "reservation and lease not released; they expire"
        );
    }
    let pause = match &error {
        EmbeddingError::Throttled { retry_after } => *retry_after,
        EmbeddingError::Rejected(_) => return error.into(),
        _ => pause(work.message.receives),
    };
    let why = format!("{:#}", anyhow::Error::from(error));
    try_again(work.state, work.message, pause, why).await
}

/// Returns the pause after the model failed in the delivery number `receives` of a message.
fn pause(receives: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(receives.saturating_sub(1)));
    doubled.min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let seconds = [1, 2, 3, 4, 5, u32::MAX].map(|receives| pause(receives).as_secs());
        assert_eq!(seconds, [30, 60, 120, 240, 240, 240]);
    }
}
