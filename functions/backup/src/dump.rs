//! From `pg_dump` to S3, in constant memory.

use std::{io, process::Stdio};

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{
    aws::s3::{CompletedPart, MOST_PARTS, Upload},
    backup::{State, ended},
    store::database::Snapshot,
};
use tokio::{process::Command, sync::mpsc, task::spawn_blocking};

use crate::compress::{Totals, compress};

/// The least length of a part: what four of them at once need of memory is little, and S3 is quick with them.
const PART: u64 = 8 << 20;
/// How many parts are on their way at once.
const AT_ONCE: usize = 4;

/// After so many parts a line says that it goes on.
const PROGRESS: i32 = 32;

/// What was written.
pub struct Dumped {
    /// The parts of the upload.
    pub parts: Vec<CompletedPart>,
    /// The archive's length in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its length before compression.
    pub read: u64,
}

/// Dumps the database as it was at `snapshot` into the parts of `upload`.
///
/// A `pg_restore` reads along: `pg_dump` may say that all is well and have written half, and only a full reading sees that.
pub async fn stream(
    state: &State,
    url: &str,
    snapshot: &Snapshot,
    upload: &Upload<'_>,
) -> anyhow::Result<Dumped> {
    let part = part_size(snapshot.bytes.try_into()?);
    let mut dump = state.tools.program_on("pg_dump", url)?;
    dump.args(["--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=10s"]);
    dump.arg(format!("--snapshot={}", snapshot.id));
    let mut check = state.tools.program("pg_restore");
    check.args(["--format=custom", "--exit-on-error", "--file=/dev/null"]);

    let (archive, writer) = io::pipe()?;
    let (reader, copy) = io::pipe()?;
    let dump = start("pg_dump", dump.stdout(writer))?;
    let check = start("pg_restore", check.stdin(reader).stdout(Stdio::null()))?;
    let (sender, parts) = mpsc::channel(1);
    let compressed = spawn_blocking(move || compress(archive, copy, part, sender));

    let (dumped, checked, compressed, uploaded) =
        tokio::join!(dump.wait_with_output(), check.wait_with_output(), compressed, send(upload, parts));
    // What fails makes the others fail: all are told, since the first to be noticed need not be the cause.
    let mut failures = Vec::new();
    failures.extend(uploaded.as_ref().err().map(|error| format!("{error:#}")));
    failures.extend(ended("pg_dump", &dumped?).err().map(|error| error.to_string()));
    failures.extend(ended("pg_restore, reading along,", &checked?).err().map(|error| error.to_string()));
    let compressed = compressed?;
    failures.extend(compressed.as_ref().err().map(|error| format!("the archive was not read: {error}")));
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
    let Totals { read, size, sha256 } = compressed?;
    Ok(Dumped { parts: uploaded?, size, sha256, read })
}

/// Starts `command`, and gives up our own ends of its pipes, or nobody would see them end.
fn start(name: &str, command: &mut Command) -> anyhow::Result<tokio::process::Child> {
    let child = command.spawn().map_err(|error| anyhow::anyhow!("{name} does not start: {error}"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    child
}

/// Sends the parts as they come, some at once.
async fn send(upload: &Upload<'_>, parts: mpsc::Receiver<Vec<u8>>) -> anyhow::Result<Vec<CompletedPart>> {
    let numbered = stream::unfold((parts, 1), async |(mut parts, number)| {
        parts.recv().await.map(|part| ((number, part), (parts, number + 1)))
    });
    let sent = numbered.map(async |(number, part)| {
        let done = upload.part(number, part).await?;
        if number % PROGRESS == 0 {
            tracing::info!(parts = number, "archive goes on");
        }
        anyhow::Ok(done)
    });
    let sent = sent.buffer_unordered(AT_ONCE);
    sent.try_collect().await
}

/// So large that the parts suffice even if nothing can be compressed.
fn part_size(database: u64) -> usize {
    let least = database.div_ceil(MOST_PARTS / 2);
    usize::try_from(least.next_multiple_of(1 << 20).max(PART)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_any_size_fits_into_the_parts_that_s3_takes() {
        assert_eq!(part_size(0), 8 << 20);
        assert_eq!(part_size(40 << 30), 9 << 20);
        for gigabytes in [1, 100, 1000, 5000] {
            let part = part_size(gigabytes << 30) as u64;
            assert!(2 * (gigabytes << 30) / part <= MOST_PARTS, "{gigabytes}");
        }
    }
}
