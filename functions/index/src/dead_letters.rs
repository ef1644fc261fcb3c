//! Messages that failed as often as their queue allows. Their artifacts fail too, so that no state is for ever.

use std::borrow::Cow;

use anyhow::Context;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use shared::{
    db::Tx,
    domain::ingestion::{FailureCode, IndexKind, Stage, Upload},
    lambda::queue::{Message, TryAgain},
    store,
};

use crate::{State, delete_objects, lock, reports};

/// "Event message structure", Amazon S3 User Guide. The test event of a new notification has no records.
#[derive(Deserialize)]
struct FileEvent {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    key: String,
}

/// A file that `extract` could not handle.
pub(crate) async fn extraction(state: &State, message: &Message) -> anyhow::Result<()> {
    let event: FileEvent = serde_json::from_str(&message.body).map_err(|error| {
        anyhow::anyhow!("invalid message: line {}, column {}", error.line(), error.column())
    })?;
    let request = message.request();
    for record in event.records {
        let key = record.s3.object.key.replace('+', " ");
        let key: Cow<'_, str> =
            percent_decode_str(&key).decode_utf8().context("invalid message: the key is not UTF-8")?;
        let Some(upload) = Upload::from_file_key(&key) else {
            tracing::warn!(message.id, "dead letter ignored: its key is not that of an upload");
            continue;
        };
        let transaction = state.db.transaction_as(async |tx| {
            if is_unknown(tx, &upload).await? {
                return Ok(());
            }
            let Some(artifact) = lock(tx, &upload).await? else { return Ok(()) };
            if artifact.stage != Some(Stage::Indexing) {
                store::ingestion::fail(tx, &upload, FailureCode::ExtractionCrashed, None, &request).await?;
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
    let now = tx.now();
    delete_objects(tx, upload, now).await?;
    Ok(true)
}
