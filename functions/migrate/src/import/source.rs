//! The file of an import, read in pieces.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::Context;
use shared::aws::s3::{Bucket, Source as Object};

/// The bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// The most bytes of a file that is read as a whole.
const MAX_SMALL: usize = 64 << 10;

pub enum Source {
    File(File),
    Object { bucket: Bucket, object: Object, position: u64 },
}

impl Source {
    /// Opens a file on this machine.
    pub fn file(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        Ok(Self::File(file))
    }

    /// Opens an object. If it is replaced while it is read, reading fails.
    pub async fn object(bucket: Bucket, key: &str) -> anyhow::Result<Self> {
        let object = bucket.open(key, None).await?;
        let object = object.with_context(|| format!("there is no object {key}"))?;
        Ok(Self::Object { bucket, object, position: 0 })
    }

    /// Returns the next bytes; `None` at the end.
    pub async fn next_piece(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let piece = match self {
            Self::File(file) => read(file).context("read the file")?,
            Self::Object { bucket, object, position } => {
                let end = object.size.min(*position + PIECE);
                let piece =
                    if *position < end { bucket.read(object, *position..end).await? } else { Vec::new() };
                *position = end;
                piece
            }
        };
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// Reads a small file as a whole.
    pub async fn small_text(mut self) -> anyhow::Result<String> {
        let mut text = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            text.extend(piece);
            anyhow::ensure!(text.len() <= MAX_SMALL, "the file is too large");
        }
        String::from_utf8(text).map_err(|_| anyhow::anyhow!("the file is not text"))
    }
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    file.take(PIECE).read_to_end(&mut piece)?;
    Ok(piece)
}
