//! Runs tools to their end.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    Interrupt, orphans,
    process::{self, StopSignal},
    service::{open_log, tail},
};

const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// After this a tool that was asked to stop is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a tool with its output in `log`. If the tool fails, the error has the end of the log.
pub fn quietly(command: &mut Command, log: &Path, interrupt: &Interrupt) -> Result<()> {
    let _first_run = fs::remove_file(log);
    let out = open_log(log)?;
    command.stderr(out.try_clone().context("share the log file")?).stdout(out);
    let status = run(command, interrupt)?;
    if !status.success() {
        bail!("`{}` failed ({status}). {}", line(command), tail(log));
    }
    Ok(())
}

/// Runs a tool with its output in the terminal.
pub fn run(command: &mut Command, interrupt: &Interrupt) -> Result<ExitStatus> {
    run_with(command, interrupt, |_| Ok(()))
}

/// Runs a tool with its output in the terminal, and records its process in `dir`: if this process is killed, the next run stops the
/// tool together with the services that it uses.
pub fn run_recorded(
    name: &str,
    dir: &Path,
    command: &mut Command,
    interrupt: &Interrupt,
) -> Result<ExitStatus> {
    let mut record = None;
    let status = run_with(command, interrupt, |pid| {
        record = Some(orphans::record(dir, name, pid, StopSignal::Terminate)?);
        Ok(())
    });
    if let Some(record) = record {
        let _gone = fs::remove_file(record);
    }
    status
}

fn run_with(
    command: &mut Command,
    interrupt: &Interrupt,
    started: impl FnOnce(u32) -> Result<()>,
) -> Result<ExitStatus> {
    interrupt.check()?;
    // In a separate process group: a request to stop reaches the tool and everything that it started.
    let mut child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("start `{}`", line(command)))?;
    started(child.id())?;
    while !interrupt.requested() {
        if let Some(status) = child.try_wait().context("wait for a tool")? {
            return Ok(status);
        }
        sleep(POLL_INTERVAL);
    }
    let tree = process::ProcessTree::of(child.id());
    process::terminate_group(child.id());
    let begin = Instant::now();
    while matches!(child.try_wait(), Ok(None)) && begin.elapsed() < STOP_TIMEOUT {
        sleep(POLL_INTERVAL);
    }
    if matches!(child.try_wait(), Ok(None)) {
        process::kill_group(child.id());
        let _ended = child.wait();
    }
    tree.kill_survivors();
    Err(crate::Interrupted.into())
}

/// Returns the command line, without the folder of the program.
#[must_use]
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}
