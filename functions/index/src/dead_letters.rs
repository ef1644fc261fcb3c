//! Messages that failed as often as their queue allows. Their artifacts fail too, so that no state is for ever.

use shared::{
    db::Tx,
    domain::{
        file_event,
        ingestion::{FailureCode, IndexKind, Stage, Upload},
    },
    lambda::queue::{Message, TryAgain},
    store,
};

use crate::{State, lock, reports};

/// A file that `extract` could not handle.
pub(crate) async fn extraction(state: &State, message: &Message) -> anyhow::Result<()> {
    let files = file_event::parse(&message.body)?;
    let request = message.request();
    for file in files {
        let Some(upload) = Upload::from_file_key(&file.key) else {
            tracing::warn!(message.id, "dead letter ignored: its key is not that of an upload");
            continue;
        };
        let transaction = state.db.transaction_as(async |tx| {
            if is_unknown(tx, &upload).await? {
                return Ok(());
            }
            let Some(artifact) = lock(tx, &upload).await? else { return Ok(()) };
            if artifact.stage != Some(Stage::Indexing) {
                // What a file can do to the parser ends in a report. So the same file may succeed later.
                store::ingestion::fail(tx, &upload, FailureCode::ProcessingStopped, None, &request).await?;
            }
            Ok(())
        });
        transaction.await?;
        tracing::warn!(message.id, artifact.id = %upload.artifact_id, "dead letter of extract handled");
    }
    Ok(())
}

/// A message that this function could not handle.
pub(crate) async fn indexing(
    state: &State,
    upload: &Upload,
    kind: IndexKind,
    message: &Message,
) -> anyhow::Result<()> {
    let request = message.request();
    let transaction = state.db.transaction_as(async |tx| {
        if is_unknown(tx, upload).await? {
            return Ok(None);
        }
        let now = tx.now();
        let Some(artifact) = lock(tx, upload).await? else { return Ok(None) };
        if !matches!(kind, IndexKind::Extracted { .. } | IndexKind::Continue) {
            return Ok(Some(kind));
        }
        if artifact.is_leased(now) {
            // That delivery may succeed.
            return Err(TryAgain("another delivery works on the artifact".to_owned()).into());
        }
        let failure = artifact.failure_or(FailureCode::IndexingFailed);
        store::ingestion::fail(tx, upload, failure, None, &request).await?;
        Ok(None)
    });
    match transaction.await? {
        // The report did not arrive before; the sweeper would find out what it says again, but later.
        Some(IndexKind::Failed { failure, detail }) => {
            reports::failed(state, upload, failure, detail.as_deref(), message).await?;
        }
        Some(IndexKind::Missing) => reports::missing(state, upload, message).await?,
        _ => {}
    }
    tracing::warn!(message.id, artifact.id = %upload.artifact_id, "dead letter of index handled");
    Ok(())
}

/// Returns whether there is no such artifact. Then its objects are deleted: an organization was purged, or a backup without the artifact
/// was restored.
async fn is_unknown(tx: &mut Tx, upload: &Upload) -> anyhow::Result<bool> {
    let known = store::ingestion::lock(tx, upload).await?;
    if known.is_some_and(|artifact| upload.generation <= artifact.generation) {
        return Ok(false);
    }
    store::object_deletions::insert_upload(tx, *upload).await?;
    Ok(true)
}
