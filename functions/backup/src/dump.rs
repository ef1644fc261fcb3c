//! Streams the output of `pg_dump` to S3, in constant memory.

use std::{io, process::Stdio};

use futures_util::{StreamExt, TryStreamExt, stream};
use shared::{
    aws::s3::{CompletedPart, MAX_PARTS, Upload},
    backup::{State, check_exit},
    store::database::Snapshot,
};
use tokio::{process::Command, sync::mpsc, task::spawn_blocking};

use crate::compress::{Totals, compress};

/// Four parts of this size need little memory, and S3 takes them fast.
const MIN_PART_SIZE: u64 = 8 << 20;
const CONCURRENT_UPLOADS: usize = 4;
/// Parts between two progress lines in the log.
const PROGRESS_INTERVAL: i32 = 32;

/// A dump whose parts are uploaded.
pub struct UploadedDump {
    pub parts: Vec<CompletedPart>,
    /// Bytes of the compressed archive.
    pub size: u64,
    /// SHA-256 of the compressed archive, in hexadecimal.
    pub sha256: String,
    /// Bytes before compression.
    pub read: u64,
}

/// Dumps the database as it was at `snapshot` into the parts of `upload`.
///
/// A `pg_restore` reads the archive at the same time: `pg_dump` may report success although half of its output is missing, and only
/// reading all of it shows that.
pub async fn stream(
    state: &State,
    url: &str,
    snapshot: &Snapshot,
    upload: &Upload<'_>,
) -> anyhow::Result<UploadedDump> {
    let part_size = part_size(snapshot.bytes.try_into()?);
    let mut dump = state.tools.program_on("pg_dump", url)?;
    dump.args(["--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=10s"]);
    // No plain role may create every extension, so the owner creates them before a restore (`Contents::extensions`).
    dump.arg("--exclude-extension=*");
    dump.arg(format!("--snapshot={}", snapshot.id));
    let mut check = state.tools.program("pg_restore");
    check.args(["--format=custom", "--exit-on-error", "--file=/dev/null"]);

    let (archive, writer) = io::pipe()?;
    let (reader, copy) = io::pipe()?;
    let dump = start("pg_dump", dump.stdout(writer))?;
    let check = start("pg_restore", check.stdin(reader).stdout(Stdio::null()))?;
    let (sender, parts) = mpsc::channel(1);
    let compressed = spawn_blocking(move || compress(archive, copy, part_size, sender));

    let (dumped, checked, compressed, uploaded) =
        tokio::join!(dump.wait_with_output(), check.wait_with_output(), compressed, send(upload, parts));
    // One failure makes the others fail. All are reported: the first one noticed is not always the cause.
    let mut failures = Vec::new();
    failures.extend(uploaded.as_ref().err().map(|error| format!("{error:#}")));
    failures.extend(check_exit("pg_dump", &dumped?).err().map(|error| error.to_string()));
    failures.extend(check_exit("pg_restore, reading along,", &checked?).err().map(|error| error.to_string()));
    let compressed = compressed?;
    failures.extend(compressed.as_ref().err().map(|error| format!("compression failed: {error}")));
    anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
    let Totals { read, size, sha256 } = compressed?;
    Ok(UploadedDump { parts: uploaded?, size, sha256, read })
}

/// Starts `command`, then closes this process's ends of its pipes: otherwise their readers would never see the end.
fn start(name: &str, command: &mut Command) -> anyhow::Result<tokio::process::Child> {
    let child = command.spawn().map_err(|error| anyhow::anyhow!("{name} does not start: {error}"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    child
}

/// Uploads the parts as they arrive, up to `CONCURRENT_UPLOADS` at once.
async fn send(upload: &Upload<'_>, parts: mpsc::Receiver<Vec<u8>>) -> anyhow::Result<Vec<CompletedPart>> {
    let numbered = stream::unfold((parts, 1), async |(mut parts, number)| {
        parts.recv().await.map(|part| ((number, part), (parts, number + 1)))
    });
    let sent = numbered.map(async |(number, part)| {
        let done = upload.part(number, part).await?;
        if number % PROGRESS_INTERVAL == 0 {
            tracing::info!(parts = number, "upload in progress");
        }
        anyhow::Ok(done)
    });
    let sent = sent.buffer_unordered(CONCURRENT_UPLOADS);
    sent.try_collect().await
}

/// Returns a part size with which S3's maximum number of parts is enough, even if the data cannot be compressed.
fn part_size(database_bytes: u64) -> usize {
    let needed = database_bytes.div_ceil(MAX_PARTS / 2);
    usize::try_from(needed.next_multiple_of(1 << 20).max(MIN_PART_SIZE)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_of_any_size_fits_into_the_parts_of_an_upload() {
        assert_eq!(part_size(0), 8 << 20);
        assert_eq!(part_size(40 << 30), 9 << 20);
        for gigabytes in [1, 100, 1000, 5000] {
            let part = part_size(gigabytes << 30) as u64;
            assert!(2 * (gigabytes << 30) / part <= MAX_PARTS, "{gigabytes}");
        }
    }
}
