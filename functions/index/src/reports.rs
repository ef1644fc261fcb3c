//! What `extract` reports, except that a text is in storage.

use shared::{
    domain::ingestion::{ArtifactStatus, FailureCode, Stage, Upload},
    lambda::queue::Message,
    store,
};

use crate::{State, lock};

/// The text of an upload is being extracted.
pub(crate) async fn extracting(state: &State, upload: &Upload) -> anyhow::Result<()> {
    let transaction = state.db.transaction_as(async |tx| {
        let Some(artifact) = lock(tx, upload).await? else { return Ok(()) };
        // A message can arrive after a later one.
        if artifact.stage != Some(Stage::Indexing) {
            store::ingestion::set_extracting(tx, upload).await?;
        }
        Ok(())
    });
    transaction.await
}

/// An upload has no text that can be used.
pub(crate) async fn failed(
    state: &State,
    upload: &Upload,
    failure: FailureCode,
    detail: Option<&str>,
    message: &Message,
) -> anyhow::Result<()> {
    let request = message.request();
    let transaction = state.db.transaction_as(async |tx| {
        let Some(artifact) = lock(tx, upload).await? else { return Ok(false) };
        // An extraction that ran twice has succeeded once.
        if artifact.stage == Some(Stage::Indexing) {
            return Ok(false);
        }
        store::ingestion::fail(tx, upload, failure, detail, &request).await?;
        Ok(true)
    });
    if transaction.await? {
        tracing::info!(message.id, artifact.id = %upload.artifact_id, failure = failure.as_str(), "artifact failed");
    }
    Ok(())
}

/// The file of an upload does not exist.
pub(crate) async fn missing(state: &State, upload: &Upload, message: &Message) -> anyhow::Result<()> {
    let request = message.request();
    let transaction = state.db.transaction_as(async |tx| {
        let Some(artifact) = lock(tx, upload).await? else { return Ok(()) };
        match (artifact.status, artifact.stage) {
            // A member got another link after the sweeper had asked for the file.
            (ArtifactStatus::Pending, _) if artifact.awaits_upload(tx.now()) => {}
            (ArtifactStatus::Pending, _) => store::ingestion::expire(tx, upload).await?,
            (_, Some(Stage::Indexing)) => {}
            _ => store::ingestion::fail(tx, upload, FailureCode::ContentMissing, None, &request).await?,
        }
        Ok(())
    });
    transaction.await
}
