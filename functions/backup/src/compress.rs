//! Compresses the archive of `pg_dump`, copies it to the `pg_restore` that checks it, and hashes it: all in one pass.

use std::{
    io::{self, Read, Write},
    mem,
};

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc::Sender;
use zstd::Encoder;

/// The fastest of zstd's standard levels: it keeps up with `pg_dump`.
const COMPRESSION_LEVEL: i32 = 1;
/// Bytes read at once.
const CHUNK_SIZE: usize = 256 << 10;

pub struct Totals {
    /// Bytes before compression.
    pub read: u64,
    /// Bytes after compression.
    pub size: u64,
    /// SHA-256 of the compressed bytes, in hexadecimal.
    pub sha256: String,
}

/// Reads `archive` to its end. Writes it to `copy`, and sends it compressed, in parts of `part_size` bytes, to `sender`. Blocks.
pub fn compress(
    mut archive: impl Read,
    mut copy: impl Write,
    part_size: usize,
    sender: Sender<Vec<u8>>,
) -> io::Result<Totals> {
    let out = Parts {
        part_size,
        part: Vec::with_capacity(part_size),
        sender,
        size: 0,
        hash: Context::new(&SHA256),
    };
    let mut encoder = Encoder::new(out, COMPRESSION_LEVEL)?;
    // zstd writes no checksum by default.
    encoder.include_checksum(true)?;
    let mut chunk = vec![0; CHUNK_SIZE];
    let mut read = 0;
    loop {
        let length = archive.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        copy.write_all(&chunk[..length])?;
        encoder.write_all(&chunk[..length])?;
        read += length as u64;
    }
    // Closes the pipe, so that its reader sees the end.
    drop(copy);
    let mut out = encoder.finish()?;
    if !out.part.is_empty() {
        out.send()?;
    }
    let sha256 = HEXLOWER.encode(out.hash.finish().as_ref());
    Ok(Totals { read, size: out.size, sha256 })
}

/// A writer that sends what is written to it in parts of `part_size` bytes. Only the last one may be shorter.
struct Parts {
    part_size: usize,
    part: Vec<u8>,
    sender: Sender<Vec<u8>>,
    size: u64,
    hash: Context,
}

impl Parts {
    fn send(&mut self) -> io::Result<()> {
        let part = mem::replace(&mut self.part, Vec::with_capacity(self.part_size));
        self.sender.blocking_send(part).map_err(|_| io::Error::other("the upload has stopped"))
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.part_size - self.part.len());
        self.part.extend_from_slice(&bytes[..length]);
        self.hash.update(&bytes[..length]);
        self.size += length as u64;
        if self.part.len() == self.part_size {
            self.send()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_is_cut_into_equal_parts_and_decompresses_to_its_input() {
        let text: Vec<u8> =
            (0..100_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_be_bytes()).collect();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1000);
        let mut copy = Vec::new();
        let totals = compress(text.as_slice(), &mut copy, 4096, sender).expect("compressed");
        let parts: Vec<Vec<u8>> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        let (last, others) = parts.split_last().expect("parts");
        assert!(!last.is_empty() && others.iter().all(|part| part.len() == 4096));
        let archive = parts.concat();
        assert_eq!((totals.read, totals.size), (text.len() as u64, archive.len() as u64));
        assert_eq!(totals.sha256, HEXLOWER.encode(ring::digest::digest(&SHA256, &archive).as_ref()));
        assert_eq!(copy, text);
        assert_eq!(zstd::decode_all(archive.as_slice()).expect("readable"), text);
        let mut flipped = archive;
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        assert!(zstd::decode_all(flipped.as_slice()).map_or(true, |read| read != text));
    }
}
