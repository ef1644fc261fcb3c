//! Reads the archive once: for the one that reads along, compressed for S3, and for its checksum.

use std::{
    io::{self, Read, Write},
    mem,
};

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};
use tokio::sync::mpsc::Sender;
use zstd::Encoder;

/// zstd's quickest of the ordinary levels: it keeps up with `pg_dump`.
const LEVEL: i32 = 1;
/// As much as is read at once.
const CHUNK: usize = 256 << 10;

/// What went through.
pub struct Totals {
    /// The archive's length in bytes.
    pub read: u64,
    /// Its length when compressed.
    pub size: u64,
    /// The SHA-256 of the latter, in hexadecimal.
    pub sha256: String,
}

/// Reads `archive` to its end. Blocks.
pub fn compress(
    mut archive: impl Read,
    mut copy: impl Write,
    part: usize,
    to: Sender<Vec<u8>>,
) -> io::Result<Totals> {
    let out = Parts { full: part, part: Vec::with_capacity(part), to, size: 0, hash: Context::new(&SHA256) };
    let mut encoder = Encoder::new(out, LEVEL)?;
    // zstd leaves its checksum out unless asked.
    encoder.include_checksum(true)?;
    let mut chunk = vec![0; CHUNK];
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
    // Whoever reads along sees the end now.
    drop(copy);
    let mut out = encoder.finish()?;
    if !out.part.is_empty() {
        out.send()?;
    }
    let sha256 = HEXLOWER.encode(out.hash.finish().as_ref());
    Ok(Totals { read, size: out.size, sha256 })
}

/// Cuts what is written to it into parts.
struct Parts {
    full: usize,
    part: Vec<u8>,
    to: Sender<Vec<u8>>,
    size: u64,
    hash: Context,
}

impl Parts {
    fn send(&mut self) -> io::Result<()> {
        let part = mem::replace(&mut self.part, Vec::with_capacity(self.full));
        self.to.blocking_send(part).map_err(|_| io::Error::other("nobody takes it any more"))
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.full - self.part.len());
        self.part.extend_from_slice(&bytes[..length]);
        self.hash.update(&bytes[..length]);
        self.size += length as u64;
        if self.part.len() == self.full {
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
    fn what_is_compressed_comes_back_in_parts_of_one_length_with_its_checksum() {
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
