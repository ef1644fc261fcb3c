//! Restores from S3 into an empty database, all or nothing.

use std::{
    io::{self, PipeWriter, Read},
    process::Stdio,
};

use futures_util::TryStreamExt;
use shared::{
    aws::s3::Source,
    backup::{State, check_exit},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::spawn_blocking,
};
use zstd::Decoder;

use crate::fetch::pieces;

/// Bytes that are decompressed at once.
const CHUNK: usize = 256 << 10;

/// Restores the archive `source` into the database at `url`, in one transaction.
pub async fn restore(state: &State, source: &Source, url: &str) -> anyhow::Result<()> {
    let (reader, archive) = io::pipe()?;
    let mut restore = state.tools.program_on("pg_restore", url)?;
    let database = url::Url::parse(url)?;
    // The restoring role owns everything: the old owner may not exist here. Without --exit-on-error, pg_restore continues after errors.
    restore.args([
        "--format=custom",
        "--exit-on-error",
        "--single-transaction",
        "--no-owner",
        "--no-password",
    ]);
    restore.arg(format!("--dbname={}", database.path().trim_start_matches('/')));
    let child = restore.stdin(reader).stdout(Stdio::null()).spawn();
    let child = child.map_err(|error| anyhow::anyhow!("pg_restore does not start: {error}"))?;
    // Closes our copy of the read end, or writing to a pg_restore that has ended would block instead of fail.
    restore.stdin(Stdio::null());

    let (sender, receiver) = mpsc::channel(1);
    let decompressed = spawn_blocking(move || decompress(receiver, archive));
    let (fetched, decompressed, restored) =
        tokio::join!(fetch(state, source, sender), decompressed, child.wait_with_output());
    // One failure makes the others fail. All are reported, because the first one found may not be the cause.
    let failures = [
        fetched.err(),
        check_exit("pg_restore", &restored?).err(),
        decompressed?.err().map(|error| anyhow::anyhow!("the archive was not decompressed: {error}")),
    ];
    let failures: Vec<_> = failures.into_iter().flatten().map(|error| format!("{error:#}")).collect();
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

async fn fetch(state: &State, source: &Source, sender: Sender<Vec<u8>>) -> anyhow::Result<()> {
    let mut pieces = pieces(&state.bucket, source);
    while let Some(piece) = pieces.try_next().await? {
        // The receiver has ended, and its own result says why.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Decompresses, and blocks. zstd compares the checksum at the end of the frame.
fn decompress(receiver: Receiver<Vec<u8>>, mut archive: PipeWriter) -> io::Result<u64> {
    let mut decoder = Decoder::new(Pieces { receiver, piece: io::Cursor::default() })?;
    io::copy(&mut io::BufReader::with_capacity(CHUNK, &mut decoder), &mut archive)
}

/// Reads the pieces as one stream.
struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = io::Cursor::new(piece),
                None => return Ok(0),
            }
        }
    }
}
