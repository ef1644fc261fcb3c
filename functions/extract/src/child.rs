//! The parser process: limits itself, reads a file from standard input, writes lines to standard output.
//!
//! It is the program of the function, started with [`ARGUMENT`], without its environment.

use std::{
    io::{self, BufWriter, Read, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{Mutex, PoisonError},
    thread,
};

use shared::domain::ingestion::{MAX_FILE_BYTES, MediaType};

use crate::{
    parser::{self, Output},
    protocol::{EXIT_NOT_LIMITED, Line},
    sandbox,
};

/// The argument before the media type.
pub const ARGUMENT: &str = "--parse";

/// Nested structures of PDFs are read by recursion.
const STACK: usize = 64 << 20;

/// Where the parser panicked.
static PANICKED: Mutex<String> = Mutex::new(String::new());

/// Parses standard input as a file of `media_type`.
#[must_use]
pub fn run(media_type: &str) -> ExitCode {
    let Some(media_type) = parser::media_type(media_type) else { return ExitCode::FAILURE };
    // The message of a panic can have text of the file; the place cannot.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        *PANICKED.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
    // The thread exists before the limits, which forbid threads.
    let parser = thread::Builder::new().stack_size(STACK).spawn(move || limited(media_type));
    match parser.map(thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(NotLimited))) | Err(_) => ExitCode::from(EXIT_NOT_LIMITED),
        Ok(Err(_)) => ExitCode::FAILURE,
    }
}

struct NotLimited;

fn limited(media_type: MediaType) -> Result<(), NotLimited> {
    let filtered = sandbox::enter().map_err(|_| NotLimited)?;
    let mut lines = Lines { output: BufWriter::with_capacity(64 << 10, io::stdout()) };
    lines.write(&Line::Limited { filtered });
    let parsed = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut file = Vec::new();
        let read = io::stdin().take(MAX_FILE_BYTES + 1).read_to_end(&mut file);
        read.expect("standard input can be read");
        let mut sink = |part| lines.write(&Line::Part(part));
        parser::parse(media_type, file, &mut Output::new(&mut sink))
    }));
    lines.write(&match parsed {
        Ok(Ok(())) => Line::Done,
        Ok(Err(failure)) => Line::Failed(failure),
        Err(_) => Line::Panicked(PANICKED.lock().unwrap_or_else(PoisonError::into_inner).clone()),
    });
    Ok(())
}

struct Lines {
    output: BufWriter<io::Stdout>,
}

impl Lines {
    /// Writes a line. If no one reads it, the process has no purpose.
    fn write(&mut self, line: &Line) {
        let mut written = serde_json::to_writer(&mut self.output, line).map_err(io::Error::from);
        written = written.and_then(|()| self.output.write_all(b"\n"));
        if !matches!(line, Line::Part(_)) {
            written = written.and_then(|()| self.output.flush());
        }
        written.expect("standard output can be written");
    }
}
