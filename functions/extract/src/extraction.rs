//! Runs the parser process for a file: feeds it, checks what it writes, ends it.
//!
//! What the process writes is not trusted. It may have been taken over by the file.

use std::{
    io::Write,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::libc;
use ring::digest::{self, SHA256};
use shared::domain::ingestion::{FailureCode, MAX_CHARACTERS, MAX_TEXT_BYTES, MediaType, TextPart};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout, Command},
    select,
    sync::Notify,
    time::timeout,
};
use zstd::stream::write::Encoder;

use crate::{
    child,
    protocol::{EXIT_NOT_LIMITED, Failure, Line, MAX_LINE, is_part},
};

/// From the start of the process to its end. The function has 120 s for a file, its text and its messages.
pub const WALL_TIME: Duration = Duration::from_secs(90);

/// The most bytes of the compressed text.
const MAX_PACKED: usize = 48 << 20;

/// Starts parser processes.
pub struct Parser {
    /// The program of this function.
    pub program: PathBuf,
    pub wall_time: Duration,
}

impl Default for Parser {
    fn default() -> Self {
        Self { program: "/proc/self/exe".into(), wall_time: WALL_TIME }
    }
}

/// A file that has been read to its end.
pub struct Extraction {
    pub outcome: Result<Text, Failure>,
    pub sha256: digest::Digest,
    /// Of the file, in bytes.
    pub size: u64,
    /// Whether the system call filter was in force.
    pub filtered: bool,
    /// The place in the source code of a panic.
    pub panicked: Option<String>,
}

/// The text of a file.
#[derive(Debug)]
pub struct Text {
    pub characters: u64,
    /// The parts as JSON lines, compressed by zstd.
    pub packed: Vec<u8>,
}

/// What the process wrote.
#[derive(Default)]
struct Written {
    limited: bool,
    filtered: bool,
    end: Option<Line>,
}

impl Parser {
    /// Extracts the text of the file whose bytes `next` returns, up to `None`. An error is no property of the file.
    pub async fn run<B: AsRef<[u8]>>(
        &self,
        media_type: MediaType,
        mut next: impl AsyncFnMut() -> anyhow::Result<Option<B>>,
    ) -> anyhow::Result<Extraction> {
        let mut child = Command::new(&self.program)
            .args([child::ARGUMENT, media_type.as_str()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start the parser process")?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
        let (mut file, mut text, ended) = (None, Packer::new()?, Notify::new());
        let work = async {
            let feed = async {
                file = Some(feed(input, &ended, &mut next).await?);
                anyhow::Ok(())
            };
            let collect = async {
                let collected = text.collect(output).await;
                // Also one that has broken a rule, or closed its output, and would keep the rest of the file waiting.
                child.start_kill().ok();
                ended.notify_one();
                Ok(collected)
            };
            tokio::try_join!(feed, collect)
        };
        let collected = match timeout(self.wall_time, work).await {
            Ok(done) => done?.1,
            Err(_) => Err(FailureCode::ExtractionTimedOut),
        };
        child.start_kill().ok();
        let status = child.wait().await.context("wait for the parser process")?;
        let Some((sha256, size)) = file else { bail!("read the file: deadline exceeded") };
        let written = std::mem::take(&mut text.written);
        if !written.limited && status.code() == Some(EXIT_NOT_LIMITED.into()) {
            bail!("the parser process could not limit itself");
        }
        let panicked = match &written.end {
            Some(Line::Panicked(place)) => Some(source_place(place)),
            _ => None,
        };
        let outcome = match (collected, written.end) {
            (Err(code), _) => Err(code.into()),
            (Ok(()), Some(Line::Done)) => text.finish(),
            (Ok(()), Some(Line::Failed(failure))) => Err(failure.of_process()),
            (Ok(()), _) => Err(death(status).into()),
        };
        Ok(Extraction { outcome, sha256, size, filtered: written.filtered, panicked })
    }
}

/// Writes the file to the process until it has `ended`, and hashes it. A process that stops reading does not stop the hashing.
async fn feed<B: AsRef<[u8]>>(
    input: ChildStdin,
    ended: &Notify,
    next: &mut impl AsyncFnMut() -> anyhow::Result<Option<B>>,
) -> anyhow::Result<(digest::Digest, u64)> {
    let (mut input, mut hash, mut size) = (Some(input), digest::Context::new(&SHA256), 0);
    while let Some(bytes) = next().await? {
        let bytes = bytes.as_ref();
        hash.update(bytes);
        size += bytes.len() as u64;
        if let Some(pipe) = &mut input {
            let is_over = select! {
                written = pipe.write_all(bytes) => written.is_err(),
                () = ended.notified() => true,
            };
            if is_over {
                input = None;
            }
        }
    }
    Ok((hash.finish(), size))
}

/// Collects the text.
struct Packer {
    encoder: Encoder<'static, Vec<u8>>,
    characters: usize,
    /// Of the text before it is compressed.
    bytes: usize,
    written: Written,
}

impl Packer {
    fn new() -> anyhow::Result<Self> {
        let encoder = Encoder::new(Vec::new(), 3).context("create the compressor")?;
        Ok(Self { encoder, characters: 0, bytes: 0, written: Written::default() })
    }

    /// Reads lines until the process closes its output. Anything that is not a line within the limits is a crash.
    async fn collect(&mut self, output: ChildStdout) -> Result<(), FailureCode> {
        let (mut output, mut line) = (BufReader::with_capacity(64 << 10, output), Vec::new());
        while read_line(&mut output, &mut line).await? {
            if self.written.end.is_some() {
                return Err(FailureCode::ExtractionCrashed);
            }
            match serde_json::from_slice(&line).map_err(|_| FailureCode::ExtractionCrashed)? {
                Line::Limited { filtered } if !self.written.limited => {
                    (self.written.limited, self.written.filtered) = (true, filtered);
                }
                Line::Part(part) => self.add(&part)?,
                end => self.written.end = Some(end),
            }
        }
        Ok(())
    }

    fn add(&mut self, part: &TextPart) -> Result<(), FailureCode> {
        if !is_part(part) {
            return Err(FailureCode::ExtractionCrashed);
        }
        let mut line = serde_json::to_vec(part).map_err(|_| FailureCode::ExtractionCrashed)?;
        line.push(b'\n');
        self.characters += part.text.chars().count();
        self.bytes += line.len();
        if self.characters > MAX_CHARACTERS || self.bytes > MAX_TEXT_BYTES {
            return Err(FailureCode::TooMuchText);
        }
        self.encoder.write_all(&line).map_err(|_| FailureCode::ExtractionCrashed)?;
        if self.encoder.get_ref().len() > MAX_PACKED { Err(FailureCode::TooMuchText) } else { Ok(()) }
    }

    fn finish(self) -> Result<Text, Failure> {
        let packed = self.encoder.finish().map_err(|_| FailureCode::ExtractionCrashed)?;
        Ok(Text { characters: self.characters as u64, packed })
    }
}

/// Reads a line without its end. Returns `false` at the end of the output.
async fn read_line(
    output: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> Result<bool, FailureCode> {
    line.clear();
    loop {
        let bytes = output.fill_buf().await.map_err(|_| FailureCode::ExtractionCrashed)?;
        if bytes.is_empty() {
            // The process died in the middle of a line: its status says why.
            return Ok(false);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..taken]);
        output.consume(end.map_or(taken, |end| end + 1));
        if line.len() > MAX_LINE {
            return Err(FailureCode::ExtractionCrashed);
        }
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Returns what the end of a process without a last line means.
fn death(status: ExitStatus) -> FailureCode {
    match status.signal() {
        Some(libc::SIGXCPU) => FailureCode::ExtractionTimedOut,
        _ => FailureCode::ExtractionCrashed,
    }
}

/// Keeps of a place in the source code what such a place can have. It stands in the log.
fn source_place(place: &str) -> String {
    let is_allowed = |character: &char| character.is_ascii_alphanumeric() || "/._-:".contains(*character);
    let end = place.len().saturating_sub(200);
    place.chars().skip(end).filter(is_allowed).collect()
}
