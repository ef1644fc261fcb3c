//! Gives ready artifacts vectors of one more model: of the next one, or of the current one if it was changed without that.
//!
//! A message does as many artifacts as its time allows, and sends itself the rest, so the work continues after whatever ends a delivery.
//! The artifacts stay ready, and a search uses their other vectors.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared::{
    db::Tx,
    domain::{
        ids::{ArtifactId, OrganizationId},
        ingestion::{ArtifactStatus, Reindex, ReindexMessage, Upload},
    },
    http_client::embeddings::Embeddings,
    lambda::queue::Message,
    store,
};
use uuid::Uuid;

use crate::{
    Artifact, State,
    indexing::{End, Pause, RESERVE, Work},
    vectors,
};

/// Artifacts of one statement.
const PAGE_ROWS: i64 = 100;

/// Handles a message about vectors of one more model.
pub(crate) async fn handle(state: &State, reindex: Reindex, message: &Message) -> anyhow::Result<()> {
    if message.queue.ends_with("index-dead-letters") {
        tracing::warn!(message.id, "reindexing stopped: its message failed too often");
        return Ok(());
    }
    match reindex {
        Reindex::Artifact(upload) => one(state, &upload, message).await,
        Reindex::All { after, artifacts, skipped } => {
            Box::pin(all(state, Progress { after, artifacts, skipped }, message)).await
        }
    }
}

/// Lets the artifact, which has just become ready, get vectors of the next model too. A failure is not one of the artifact.
pub(crate) async fn begin_with(state: &State, upload: &Upload, message: &Message) {
    if state.next_embeddings.is_none() {
        return;
    }
    if let Err(error) = send(state, Reindex::Artifact(*upload), Duration::ZERO).await {
        let (id, artifact, error) = (&message.id, upload.artifact_id, format!("{error:#}"));
        tracing::warn!(message.id = id, artifact.id = %artifact, error, "artifact not sent to the next model");
    }
}

/// Locks the artifact of `upload`. `None` if it is not ready.
pub(crate) async fn lock_ready(tx: &mut Tx, upload: &Upload) -> anyhow::Result<Option<Artifact>> {
    let artifact = store::ingestion::lock(tx, upload).await?;
    Ok(artifact.filter(|artifact| {
        artifact.status == ArtifactStatus::Ready
            && artifact.deleted_at.is_none()
            && artifact.generation == upload.generation
    }))
}

async fn send(state: &State, reindex: Reindex, pause: Duration) -> anyhow::Result<()> {
    let message = serde_json::to_string(&ReindexMessage { reindex })?;
    Ok(state.queue.send_after(&message, pause).await?)
}

async fn one(state: &State, upload: &Upload, message: &Message) -> anyhow::Result<()> {
    let rest = Reindex::Artifact(*upload);
    match embed(state, upload, message).await? {
        End::Continue => send(state, rest, Duration::ZERO).await,
        End::Pause(pause) => send_after(state, rest, pause, message).await,
        End::Done | End::Stopped | End::Failed(_) => Ok(()),
    }
}

/// The members of [`Reindex::All`].
#[derive(Clone, Copy, PartialEq)]
struct Progress {
    after: Option<(OrganizationId, ArtifactId)>,
    artifacts: u64,
    skipped: u64,
}

impl Progress {
    /// Returns whether an artifact needs nothing more.
    fn is_done(&self, upload: &Upload) -> bool {
        let position = (upload.organization_id.0, upload.artifact_id.0);
        self.after.is_some_and(|(organization, artifact)| position <= (organization.0, artifact.0))
    }
}

impl From<Progress> for Reindex {
    fn from(Progress { after, artifacts, skipped }: Progress) -> Self {
        Self::All { after, artifacts, skipped }
    }
}

async fn all(state: &State, begin: Progress, message: &Message) -> anyhow::Result<()> {
    let model = model(state);
    let find = async |tx: &mut Tx| {
        anyhow::Ok(store::embedding_spaces::find_or_create(tx, model.model(), model.dimensions()).await?)
    };
    let space = state.db.transaction_as(find).await?;
    let mut progress = begin;
    loop {
        let list = async |tx: &mut Tx| {
            anyhow::Ok(store::ready_artifacts::list(tx, progress.after, PAGE_ROWS).await?)
        };
        let found = state.db.transaction_as(list).await?;
        if found.is_empty() {
            let Progress { artifacts, skipped, .. } = progress;
            tracing::info!(message.id, model = model.model(), artifacts, skipped, "reindexing finished");
            return Ok(());
        }
        for upload in &found {
            // Without progress another delivery would not get further.
            if progress != begin && message.deadline.left(RESERVE) < model.timeout() + RESERVE {
                let Progress { artifacts, skipped, .. } = progress;
                tracing::info!(
                    message.id,
                    model = model.model(),
                    artifacts,
                    skipped,
                    "reindexing in progress"
                );
                return send(state, progress.into(), Duration::ZERO).await;
            }
            match artifact(state, space, upload, &mut progress, message).await? {
                None => {}
                Some(End::Pause(pause)) => return send_after(state, progress.into(), pause, message).await,
                Some(_) => return send(state, progress.into(), Duration::ZERO).await,
            }
        }
    }
}

/// Embeds an artifact of the list, if it needs that. Returns why it is not finished.
async fn artifact(
    state: &State,
    space: i16,
    upload: &Upload,
    progress: &mut Progress,
    message: &Message,
) -> anyhow::Result<Option<End>> {
    if progress.is_done(upload) {
        return Ok(None);
    }
    let (organization, id) = (upload.organization_id, upload.artifact_id);
    let before = *progress;
    progress.after = Some((organization, id));
    let lack =
        async |tx: &mut Tx| anyhow::Ok(store::chunks::lack_vectors(tx, organization, id, space).await?);
    if !state.db.transaction_as(lack).await? {
        return Ok(None);
    }
    match embed(state, upload, message).await? {
        End::Done => progress.artifacts += 1,
        End::Stopped => {}
        End::Failed(_) => {
            tracing::warn!(message.id, organization.id = %organization, "reindexing skipped an organization: tokens used up");
            progress.skipped += 1;
            progress.after = Some((organization, ArtifactId(Uuid::max())));
        }
        end @ (End::Continue | End::Pause(_)) => {
            *progress = before;
            return Ok(Some(end));
        }
    }
    Ok(None)
}

async fn send_after(
    state: &State,
    reindex: Reindex,
    Pause { time, why, .. }: Pause,
    message: &Message,
) -> anyhow::Result<()> {
    tracing::warn!(message.id, error = why, "reindexing continues after a pause");
    send(state, reindex, time).await
}

fn model(state: &State) -> &Embeddings {
    state.next_embeddings.as_ref().unwrap_or(&state.embeddings)
}

/// Has the chunks of a ready artifact embedded.
async fn embed(state: &State, upload: &Upload, message: &Message) -> anyhow::Result<End> {
    let Some(lease_until) = state.db.transaction_as(async |tx| begin(tx, upload).await).await? else {
        return Ok(End::Stopped);
    };
    let work = Work::new(state, model(state), upload, message, true, lease_until);
    let end = vectors::embed(&work).await;
    if !matches!(end, Ok(End::Done | End::Stopped)) {
        work.release(false).await?;
    }
    end
}

/// Leases the artifact. `None` if it is not ready, or another delivery works on it.
async fn begin(tx: &mut Tx, upload: &Upload) -> anyhow::Result<Option<DateTime<Utc>>> {
    let now = tx.now();
    let artifact = lock_ready(tx, upload).await?;
    if artifact.is_none_or(|artifact| artifact.is_leased(now)) {
        return Ok(None);
    }
    let lease_until = Work::next_lease(tx);
    store::ingestion::lease(tx, upload, lease_until).await?;
    Ok(Some(lease_until))
}
