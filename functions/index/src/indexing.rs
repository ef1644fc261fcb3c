//! Cuts the text of an upload into chunks, and has them embedded.
//!
//! Each step is a transaction of its own, so whatever ends a delivery loses one step. The next delivery continues after the last one.

use std::cell::Cell;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ring::digest;
use shared::{
    db::Tx,
    domain::{
        chunking::{CHUNKER, Chunk},
        ingestion::{FailureCode, IndexKind, IndexMessage, Stage, Upload},
        language,
    },
    http_client::embeddings::Embeddings,
    lambda::queue::{Message, TryAgain},
    store,
    store::ingestion::Chunks,
};
use tokio::time::Duration;

use crate::{State, lock, reindexing, reindexing::lock_ready, text, text::Text, vectors};

/// How long a delivery that died keeps others away. Each step extends it.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// Chunks of one transaction.
const CHUNKS_PER_TRANSACTION: usize = 100;
/// Chunks from which the language is guessed.
const LANGUAGE_SAMPLE: usize = 5;
/// Time kept at the end of a delivery: to write down where it stopped.
pub(crate) const RESERVE: Duration = Duration::from_secs(3);

/// How a delivery ends.
pub(crate) enum End {
    /// All chunks have vectors.
    Done,
    /// The artifact was deleted, or another delivery works on it.
    Stopped,
    /// Another delivery continues: the time is used up.
    Continue,
    /// Another delivery continues after the pause.
    Pause(Pause),
    Failed(FailureCode),
}

/// Why nothing more can be done now.
pub(crate) struct Pause {
    pub time: Duration,
    pub why: String,
    /// Whether it waits for the model.
    pub waits_for_model: bool,
}

/// A delivery that works on an upload.
pub(crate) struct Work<'a> {
    pub state: &'a State,
    pub embeddings: &'a Embeddings,
    pub upload: &'a Upload,
    pub message: &'a Message,
    /// Whether the artifact is ready, and gets vectors of one more model.
    pub is_ready: bool,
    /// Until when other deliveries do not work on it.
    lease_until: Cell<DateTime<Utc>>,
    /// Whether this delivery has finished a step.
    has_progressed: Cell<bool>,
}

impl<'a> Work<'a> {
    /// Begins to work on an artifact that is leased until `lease_until`.
    pub fn new(
        state: &'a State,
        embeddings: &'a Embeddings,
        upload: &'a Upload,
        message: &'a Message,
        is_ready: bool,
        lease_until: DateTime<Utc>,
    ) -> Self {
        let (lease_until, has_progressed) = (Cell::new(lease_until), Cell::new(false));
        Self { state, embeddings, upload, message, is_ready, lease_until, has_progressed }
    }

    /// Locks the artifact. Returns whether this delivery may still change it.
    pub async fn lock(&self, tx: &mut Tx) -> anyhow::Result<bool> {
        let artifact =
            if self.is_ready { lock_ready(tx, self.upload).await? } else { lock(tx, self.upload).await? };
        let lease = artifact.and_then(|artifact| artifact.lease_until);
        Ok(lease == Some(self.lease_until.get()))
    }

    /// Returns until when a step that is done now extends the lease.
    pub fn next_lease(tx: &Tx) -> DateTime<Utc> {
        // As in the column.
        (tx.now() + LEASE).trunc_subsecs(6)
    }

    /// Notes that a step is committed that extended the lease.
    pub fn stepped(&self, lease_until: DateTime<Utc>) {
        self.lease_until.set(lease_until);
        self.has_progressed.set(true);
    }

    /// Returns the time for a step that usually takes less than `expected`; `None` if another delivery should do it.
    pub fn time_for(&self, expected: Duration) -> Option<Duration> {
        let left = self.message.deadline.left(RESERVE);
        // Without progress another delivery would not get further.
        let enough = if self.has_progressed.get() { expected } else { Duration::from_millis(1) };
        (left >= enough).then_some(left)
    }

    /// Ends the lease. `waits_for_model` says why there was no progress.
    pub async fn release(&self, waits_for_model: bool) -> anyhow::Result<()> {
        let release = async |tx: &mut Tx| self.release_within(tx, waits_for_model).await;
        self.state.db.transaction_as(release).await
    }

    /// [`Work::release`], in a transaction.
    pub async fn release_within(&self, tx: &mut Tx, waits_for_model: bool) -> anyhow::Result<()> {
        let waits_for_model = waits_for_model && !self.is_ready;
        Ok(store::ingestion::release(tx, self.upload, self.lease_until.get(), waits_for_model).await?)
    }
}

/// Indexes the upload of which the text is in storage. `is_new` says that the text was just extracted, not that an earlier delivery stopped.
pub(crate) async fn run(
    state: &State,
    upload: &Upload,
    is_new: bool,
    message: &Message,
) -> anyhow::Result<()> {
    let begin = state.db.transaction_as(async |tx| begin(tx, upload, is_new).await);
    let Some(Begun { lease_until, has_chunks }) = begin.await? else {
        tracing::info!(message.id, artifact.id = %upload.artifact_id, "message ignored: nothing to index");
        return Ok(());
    };
    let work = Work::new(state, &state.embeddings, upload, message, false, lease_until);
    match index(&work, has_chunks).await {
        Ok(End::Done) => {
            tracing::info!(message.id, artifact.id = %upload.artifact_id, "artifact ready");
            reindexing::begin_with(state, upload, message).await;
            Ok(())
        }
        Ok(End::Stopped) => Ok(()),
        Ok(End::Continue) => {
            work.release(false).await?;
            send_rest(state, upload, Duration::ZERO).await
        }
        Ok(End::Pause(Pause { time, why, waits_for_model })) => {
            tracing::warn!(message.id, artifact.id = %upload.artifact_id, error = why, "indexing continues after a pause");
            work.release(waits_for_model).await?;
            send_rest(state, upload, time).await
        }
        Ok(End::Failed(failure)) => fail(&work, failure).await,
        Err(error) => {
            // Already released where the reason is known.
            if let Err(error) = work.release(false).await {
                tracing::warn!(message.id, error = format!("{error:#}"), "lease not released; it expires");
            }
            Err(error)
        }
    }
}

/// Sends the message that continues after `pause`. Its receives are counted from 1.
async fn send_rest(state: &State, upload: &Upload, pause: Duration) -> anyhow::Result<()> {
    let rest = IndexMessage { upload: *upload, kind: IndexKind::Continue };
    Ok(state.queue.send_after(&serde_json::to_string(&rest)?, pause).await?)
}

struct Begun {
    lease_until: DateTime<Utc>,
    /// Whether all chunks are stored.
    has_chunks: bool,
}

/// Leases the artifact. `None` if there is nothing to do.
async fn begin(tx: &mut Tx, upload: &Upload, is_new: bool) -> anyhow::Result<Option<Begun>> {
    let Some(artifact) = lock(tx, upload).await? else { return Ok(None) };
    if artifact.is_leased(tx.now()) {
        return Err(TryAgain("another delivery works on the artifact".to_owned()).into());
    }
    let mut has_chunks = false;
    if artifact.stage == Some(Stage::Indexing) {
        let stored = store::chunks::count(tx, upload.organization_id, upload.artifact_id).await?;
        has_chunks =
            artifact.chunker == Some(CHUNKER) && stored > 0 && stored == i64::from(artifact.chunks_total);
    } else if is_new {
        store::ingestion::set_indexing(tx, upload).await?;
    } else {
        return Ok(None);
    }
    let lease_until = Work::next_lease(tx);
    store::ingestion::lease(tx, upload, lease_until).await?;
    Ok(Some(Begun { lease_until, has_chunks }))
}

async fn index(work: &Work<'_>, has_chunks: bool) -> anyhow::Result<End> {
    if !has_chunks {
        let chunks = match text::read(work.state, work.upload).await? {
            Text::Chunks(chunks) if chunks.is_empty() => return Ok(End::Failed(FailureCode::NoText)),
            Text::Chunks(chunks) => chunks,
            Text::TooManyChunks => return Ok(End::Failed(FailureCode::TooManyChunks)),
            Text::Missing => return Ok(End::Failed(FailureCode::ContentMissing)),
        };
        if let Some(end) = store_chunks(work, &chunks).await? {
            return Ok(end);
        }
    }
    vectors::embed(work).await
}

/// Stores the chunks that are not stored yet. Returns the end of the delivery, if it ends here.
async fn store_chunks(work: &Work<'_>, chunks: &[Chunk]) -> anyhow::Result<Option<End>> {
    let sample: Vec<_> = chunks.iter().take(LANGUAGE_SAMPLE).map(|chunk| chunk.text.as_str()).collect();
    let language = language::configuration(&sample.join("\n"));
    let total = i32::try_from(chunks.len())?;
    let facts = Chunks { total, chunker: CHUNKER, language };
    let mut from = None;
    loop {
        if work.time_for(RESERVE).is_none() {
            return Ok(Some(End::Continue));
        }
        let step = work.state.db.transaction_as(async |tx| store_step(work, tx, facts, chunks, from).await);
        let (next, lease_until) = match step.await? {
            Step::Stored { next, lease_until } => (next, lease_until),
            Step::LimitReached => return Ok(Some(End::Failed(FailureCode::PlanLimitReached))),
            Step::Stopped => return Ok(Some(End::Stopped)),
        };
        work.stepped(lease_until);
        if next == chunks.len() {
            return Ok(None);
        }
        from = Some(next);
    }
}

enum Step {
    Stored { next: usize, lease_until: DateTime<Utc> },
    LimitReached,
    Stopped,
}

/// Stores the chunks after the first `from`; without `from`, after those that earlier deliveries stored.
async fn store_step(
    work: &Work<'_>,
    tx: &mut Tx,
    facts: Chunks<'_>,
    chunks: &[Chunk],
    from: Option<usize>,
) -> anyhow::Result<Step> {
    if !work.lock(tx).await? {
        return Ok(Step::Stopped);
    }
    let Upload { organization_id, artifact_id, .. } = *work.upload;
    let from = match from {
        Some(from) => from,
        None => keep_beginning(work, tx, chunks).await?,
    };
    let next = chunks.len().min(from + CHUNKS_PER_TRANSACTION);
    let batch = &chunks[from..next];
    let (added, limit) = (i64::try_from(batch.len())?, work.state.limits.chunks);
    if !store::organization_totals::add_chunks(tx, organization_id, added, limit).await? {
        return Ok(Step::LimitReached);
    }
    store::chunks::insert(tx, organization_id, artifact_id, facts.language, batch).await?;
    let lease_until = Work::next_lease(tx);
    store::ingestion::set_chunks(tx, work.upload, facts, lease_until).await?;
    Ok(Step::Stored { next, lease_until })
}

/// Returns how many chunks are stored. Deletes them if they are not the beginning of `chunks`: those of an earlier upload, or cut by
/// other rules.
async fn keep_beginning(work: &Work<'_>, tx: &mut Tx, chunks: &[Chunk]) -> anyhow::Result<usize> {
    let Upload { organization_id, artifact_id, .. } = *work.upload;
    let (count, stored) = store::chunks::count_and_hash(tx, organization_id, artifact_id).await?;
    let count = usize::try_from(count)?;
    if chunks.get(..count).is_some_and(|beginning| hash(beginning).as_ref() == stored) {
        return Ok(count);
    }
    store::chunks::delete_counted(tx, organization_id, artifact_id).await?;
    Ok(0)
}

fn hash(chunks: &[Chunk]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    for chunk in chunks {
        context.update(chunk.text.as_bytes());
    }
    context.finish()
}

/// Brings the artifact to its final state.
async fn fail(work: &Work<'_>, failure: FailureCode) -> anyhow::Result<()> {
    let request = work.message.request();
    let transaction = work.state.db.transaction_as(async |tx| {
        if work.lock(tx).await? {
            store::ingestion::fail(tx, work.upload, failure, None, &request).await?;
        }
        Ok(())
    });
    transaction.await?;
    let (id, artifact) = (&work.message.id, work.upload.artifact_id);
    tracing::info!(message.id = id, artifact.id = %artifact, failure = failure.as_str(), "artifact failed");
    Ok(())
}
