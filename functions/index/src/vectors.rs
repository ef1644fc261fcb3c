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
    store::{chunks::Pending, token_budgets::Reserved},
};
use uuid::Uuid;

use crate::{
    indexing::{End, Pause, RESERVE, Work},
    try_again,
};

/// Chunks of one call of the model.
const BATCH_CHUNKS: i64 = 64;
/// A reservation expires so long after the call must have ended.
const SETTLEMENT_TIME: TimeDelta = TimeDelta::minutes(1);
/// The pause after the first failure of the model. It doubles with each one: 30, 60, 120, 240 s until the message is a dead letter.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const MAX_PAUSE: Duration = Duration::from_mins(4);
/// The pause while other calls of the organization have reserved all tokens that are left.
const BUSY_PAUSE: Duration = Duration::from_secs(15);

/// Chunks whose tokens are reserved.
struct Batch {
    /// The id of the reservation.
    reservation: Uuid,
    chunks: Vec<Pending>,
}

enum Next {
    Batch(Batch),
    /// All chunks have vectors; the artifact is ready.
    Done,
    BudgetBusy,
    BudgetUsedUp,
    Stopped,
}

/// Has the chunks without vectors embedded, and makes the artifact ready when all have one.
pub(crate) async fn embed(work: &Work<'_>) -> anyhow::Result<End> {
    let model = work.embeddings;
    let find = async |tx: &mut Tx| {
        anyhow::Ok(store::embedding_spaces::find_or_create(tx, model.model(), model.dimensions()).await?)
    };
    let space = work.state.db.transaction_as(find).await?;
    let mut has_embedded = false;
    loop {
        let Some(time) = work.time_for(model.timeout() + RESERVE) else { return Ok(End::Continue) };
        let next = work.state.db.transaction_as(async |tx| next(work, tx, space, time).await);
        let batch = match next.await? {
            Next::Batch(batch) => batch,
            Next::Done => return Ok(End::Done),
            Next::BudgetBusy => {
                let why = "other calls have reserved the tokens that are left".to_owned();
                return Ok(End::Pause(Pause { time: BUSY_PAUSE, why, waits_for_model: false }));
            }
            Next::BudgetUsedUp => return Ok(End::Failed(FailureCode::BudgetUsedUp)),
            Next::Stopped => return Ok(End::Stopped),
        };
        let texts: Vec<_> = batch.chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        let embedded = match model.embed(&texts, Deadline::after(time)).await {
            Ok(embedded) => embedded,
            Err(error) => {
                let pause = not_embedded(work, batch.reservation, error, has_embedded).await;
                return pause.map(End::Pause);
            }
        };
        let tokens = embedded.tokens;
        let vectors: Vec<_> = batch.chunks.iter().map(|chunk| chunk.id).zip(embedded.vectors).collect();
        let store = work.state.db.transaction_as(async |tx| {
            store_vectors(work, tx, space, batch.reservation, tokens, &vectors).await
        });
        match store.await? {
            Some(lease_until) => work.stepped(lease_until),
            None => return Ok(End::Stopped),
        }
        has_embedded = true;
    }
}

/// Reserves the tokens of the next batch, for a call of `time`. Without chunks that need vectors, makes the artifact ready, or ends the
/// lease of one that is ready already.
async fn next(work: &Work<'_>, tx: &mut Tx, space: i16, time: Duration) -> anyhow::Result<Next> {
    if !work.lock(tx).await? {
        return Ok(Next::Stopped);
    }
    let Upload { organization_id, artifact_id, .. } = *work.upload;
    let chunks = store::chunks::list_pending(tx, organization_id, artifact_id, space, BATCH_CHUNKS).await?;
    if chunks.is_empty() && work.is_ready {
        work.release_within(tx, false).await?;
        return Ok(Next::Done);
    }
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
    Ok(match reserved {
        Reserved::Yes => Next::Batch(Batch { reservation, chunks }),
        Reserved::Busy => Next::BudgetBusy,
        Reserved::UsedUp => Next::BudgetUsedUp,
    })
}

/// Stores the vectors and settles their tokens. The tokens are paid also if the artifact was deleted; then it returns `None`.
async fn store_vectors(
    work: &Work<'_>,
    tx: &mut Tx,
    space: i16,
    reservation: Uuid,
    tokens: u64,
    vectors: &[(ChunkId, Vec<f32>)],
) -> anyhow::Result<Option<DateTime<Utc>>> {
    let Upload { organization_id, artifact_id, .. } = *work.upload;
    let may_change = work.lock(tx).await?;
    let lease_until = Work::next_lease(tx);
    if may_change {
        store::chunks::insert_vectors(tx, organization_id, artifact_id, space, vectors).await?;
        if work.is_ready {
            store::ingestion::lease(tx, work.upload, lease_until).await?;
        } else {
            store::ingestion::count_done(tx, work.upload, space, lease_until).await?;
        }
    }
    settle(work, tx, reservation, tokens).await?;
    Ok(may_change.then_some(lease_until))
}

/// Records the tokens of a call, and ends its reservation.
async fn settle(work: &Work<'_>, tx: &mut Tx, reservation: Uuid, tokens: u64) -> anyhow::Result<()> {
    let (organization, model) = (work.upload.organization_id, work.embeddings.model());
    if tokens == 0 {
        return Ok(store::token_budgets::cancel(tx, organization, reservation).await?);
    }
    let usage = Usage {
        kind: UsageKind::Embedding,
        model,
        prompt_tokens: tokens,
        completion_tokens: 0,
        price: work.state.prices.of(model),
        estimated: false,
    };
    Ok(store::token_budgets::settle(tx, organization, reservation, &usage).await?)
}

/// Ends the delivery of a batch that the model did not embed. If it `has_embedded` none, the message fails, so that the number of tries is
/// limited.
async fn not_embedded(
    work: &Work<'_>,
    reservation: Uuid,
    error: EmbeddingError,
    has_embedded: bool,
) -> anyhow::Result<Pause> {
    let tokens = error.tokens();
    let settle = async |tx: &mut Tx| settle(work, tx, reservation, tokens).await;
    let is_temporary = !matches!(error, EmbeddingError::Rejected(_));
    let ended = match work.state.db.transaction_as(settle).await {
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
    let receives = work.message.receives;
    let time = match &error {
        EmbeddingError::Rejected(_) => return Err(error.into()),
        EmbeddingError::Throttled { retry_after } => throttled_pause(receives, *retry_after),
        _ => pause(receives),
    };
    let why = error.to_string();
    if has_embedded || work.is_ready {
        return Ok(Pause { time, why, waits_for_model: true });
    }
    Err(try_again(work.state, work.message, time, why).await)
}

/// Returns the pause after the model failed in the delivery number `receives` of a message.
fn pause(receives: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(receives.saturating_sub(1)));
    doubled.min(MAX_PAUSE)
}

/// Returns the pause after the model throttled the delivery number `receives` of a message, and asked for `retry_after`. Grows too,
/// because a server that always asks for a second must not use up the tries within seconds.
fn throttled_pause(receives: u32, retry_after: Duration) -> Duration {
    if receives <= 1 { retry_after } else { pause(receives - 1).max(retry_after) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_that_throttles_again_is_left_alone_for_longer_than_it_asks() {
        let seconds =
            |asked| [1, 2, 3].map(|receives| throttled_pause(receives, Duration::from_secs(asked)).as_secs());
        assert_eq!(seconds(1), [1, 30, 60]);
        assert_eq!(seconds(50), [50, 50, 60]);
    }

    #[test]
    fn pauses_grow_and_end() {
        let seconds = [1, 2, 3, 4, 5, u32::MAX].map(|receives| pause(receives).as_secs());
        assert_eq!(seconds, [30, 60, 120, 240, 240, 240]);
    }
}
