//! Progress lines on standard error: what is done, and how long it took.

use std::{
    io::{ErrorKind, Write},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use local_stack::Report;

/// Writes progress lines that look the same in a terminal and in a log file.
#[derive(Debug, Clone, Copy)]
pub struct Lines;

impl Report for Lines {
    fn begins(&self, what: &str) {
        eprintln!("  … {what}");
    }

    fn done(&self, what: &str, took: Duration) {
        eprintln!("  ✓ {what:<44} {:>7.1} s", took.as_secs_f64());
    }
}

/// Does `work` and writes how long it took.
pub fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begin = Instant::now();
    let result = work()?;
    Lines.done(what, begin.elapsed());
    Ok(result)
}

/// Writes a result to standard output. A closed pipe (`| head`) is not an error.
pub fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("write to standard output"),
    }
}
