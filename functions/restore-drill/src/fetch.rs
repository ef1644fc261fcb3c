//! Reads the archive from S3, in order and in constant memory.

use std::ops::Range;

use anyhow::ensure;
use data_encoding::HEXLOWER;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use ring::digest::{Context, SHA256};
use shared::{
    aws::s3::{Bucket, Source},
    backup::{Manifest, dump_key},
};

/// Bytes of one request.
const PIECE: u64 = 4 << 20;
/// Concurrent requests.
const AT_ONCE: usize = 4;
/// Attempts for a piece. The SDK does not retry when the connection is lost while it reads the body.
const ATTEMPTS: u32 = 3;

/// Reads the whole archive and compares it with its manifest. An archive that differs is not restored.
///
/// The returned source is bound to this object: a new object under the same key cannot be read through it.
pub async fn verify(bucket: &Bucket, manifest: &Manifest) -> anyhow::Result<Source> {
    let id = &manifest.id;
    let source = bucket.open(&dump_key(id)).await?;
    let source = source.ok_or_else(|| anyhow::anyhow!("the archive of {id} is gone"))?;
    ensure!(
        source.size == manifest.size,
        "the archive of {id} has {} bytes instead of {}",
        source.size,
        manifest.size
    );
    let mut hash = Context::new(&SHA256);
    let mut pieces = pieces(bucket, &source);
    while let Some(piece) = pieces.try_next().await? {
        hash.update(&piece);
    }
    drop(pieces);
    let hash = HEXLOWER.encode(hash.finish().as_ref());
    ensure!(hash == manifest.sha256, "the archive of {id} was changed: its SHA-256 is {hash}");
    Ok(source)
}

/// Streams the pieces of `source`, and requests some of them ahead.
pub fn pieces<'a>(
    bucket: &'a Bucket,
    source: &'a Source,
) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Unpin + 'a {
    let count = source.size.div_ceil(PIECE);
    let ranges = (0..count).map(|number| number * PIECE..((number + 1) * PIECE).min(source.size));
    Box::pin(stream::iter(ranges).map(|bytes| piece(bucket, source, bytes)).buffered(AT_ONCE))
}

/// Reads some bytes of `source`, and tries again after a failure.
pub async fn piece(bucket: &Bucket, source: &Source, bytes: Range<u64>) -> anyhow::Result<Vec<u8>> {
    let mut attempt = 1;
    loop {
        match bucket.read(source, bytes.clone()).await {
            Ok(piece) => return Ok(piece),
            Err(error) if attempt < ATTEMPTS => {
                tracing::warn!(error = format!("{error:#}"), "a piece is asked for again");
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
