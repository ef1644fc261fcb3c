//! Copies a backup and its ledger into the buckets of another environment.

use anyhow::ensure;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::{
    accounts::erasure_ledger::{self, Ledger},
    aws::s3::{Bucket, MAX_PARTS, Source, Upload},
    backup::{Catalogue, State, dump_key, manifest_key},
};

use crate::fetch;

/// S3 needs parts of at least 5 MiB. A few of this size need little memory.
const MIN_PART_SIZE: u64 = 8 << 20;
/// Concurrent parts.
const AT_ONCE: usize = 4;

/// A backup that was copied.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    pub backup: String,
    /// Of the archive.
    pub bytes: u64,
    /// Objects of the ledger that were missing in `ERASURE_BUCKET`.
    pub ledger_objects: usize,
}

/// Copies the backup `id`, by default the newest, from the bucket `backups` to `BACKUP_BUCKET`, and before it the ledger from the bucket
/// `erasures` to `ERASURE_BUCKET`.
pub async fn copy(state: &State, backups: &str, erasures: &str, id: Option<&str>) -> anyhow::Result<Copied> {
    let (from, from_ledger) = (Bucket::new(backups, ""), Bucket::new(erasures, ""));
    let manifest = Catalogue::read(&from).await?.manifest(&from, id).await?;
    let ledger = Ledger::read(&from_ledger).await?;
    ledger.require(&manifest.id, &manifest.ledger, manifest.taken_at, state.clock.now())?;
    let to_ledger = Bucket::new(&state.config.storage.erasures, "");
    let ledger_objects = erasure_ledger::copy(&from_ledger, &to_ledger).await?;
    tracing::info!(objects = ledger_objects, "ledger copied");

    let source = fetch::verify(&from, &manifest).await?;
    let key = dump_key(&manifest.id);
    if state.bucket.open(&key).await?.is_none() {
        let upload = state.bucket.upload(&key).await?;
        if let Err(error) = copy_archive(&from, &source, &upload).await {
            upload.abort().await?;
            return Err(error);
        }
    }
    fetch::verify(&state.bucket, &manifest).await?;
    // Last: without a manifest there is no backup.
    let key = manifest_key(&manifest.id);
    let text = from.get(&key).await?;
    let text = text.ok_or_else(|| anyhow::anyhow!("the manifest of {} is gone", manifest.id))?;
    state.bucket.put_new(&key, text).await?;
    Ok(Copied { backup: manifest.id, bytes: source.size, ledger_objects })
}

async fn copy_archive(from: &Bucket, source: &Source, upload: &Upload<'_>) -> anyhow::Result<()> {
    let part_size = source.size.div_ceil(MAX_PARTS).max(MIN_PART_SIZE);
    let count = i32::try_from(source.size.div_ceil(part_size))?;
    ensure!(count > 0, "the archive is empty");
    let parts = (1..=count).zip((0..).map(|number| number * part_size)).map(async |(number, start)| {
        let bytes = start..(start + part_size).min(source.size);
        upload.part(number, fetch::piece(from, source, bytes).await?).await.map_err(anyhow::Error::from)
    });
    let parts = stream::iter(parts.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    Ok(upload.complete(parts.try_collect().await?).await?)
}
