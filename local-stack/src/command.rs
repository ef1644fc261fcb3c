//! Running a tool to its end.

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
    Interrupt, process,
    service::{open_log, tail},
};

const PAUSE: Duration = Duration::from_millis(10);
/// How long a tool that was asked to stop may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a tool whose output is of interest only when it fails: it goes to `log`, the end of it into the error.
pub fn quietly(command: &mut Command, log: &Path, interrupt: &Interrupt) -> Result<()> {
    let _first_run = fs::remove_file(log);
    let out = open_log(log)?;
    command.stderr(out.try_clone().context("share the log file")?).stdout(out);
    let status = openly(command, interrupt)?;
    if !status.success() {
        bail!("`{}` failed ({status}). {}", line(command), tail(log));
    }
    Ok(())
}

/// Runs a tool that shows its own output.
pub fn openly(command: &mut Command, interrupt: &Interrupt) -> Result<ExitStatus> {
    interrupt.check()?;
    // A group of its own, so that a request to stop ends the tool with all it started, whoever it came from.
    let mut child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("start `{}`", line(command)))?;
    while !interrupt.requested() {
        if let Some(status) = child.try_wait().context("wait for a tool")? {
            return Ok(status);
        }
        sleep(PAUSE);
    }
    let family = process::Family::of(child.id());
    process::end_group(child.id());
    let begin = Instant::now();
    while matches!(child.try_wait(), Ok(None)) && begin.elapsed() < PATIENCE {
        sleep(PAUSE);
    }
    if matches!(child.try_wait(), Ok(None)) {
        process::kill_group(child.id());
        let _ended = child.wait();
    }
    family.kill_survivors();
    Err(crate::Interrupted.into())
}

/// The command as one would type it, without the folder of its program.
#[must_use]
pub fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}
