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
    Interrupt, leftovers,
    process::{self, Ending},
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
    run(command, interrupt, |_| Ok(()))
}

/// Runs a tool that shows its own output, and leaves a note in `dir` meanwhile: should this process be killed, the
/// next run stops the tool together with the services it uses.
pub fn openly_noted(
    name: &str,
    dir: &Path,
    command: &mut Command,
    interrupt: &Interrupt,
) -> Result<ExitStatus> {
    let mut note = None;
    let status = run(command, interrupt, |pid| {
        note = Some(leftovers::note(dir, name, pid, Ending::Terminate)?);
        Ok(())
    });
    if let Some(note) = note {
        let _gone = fs::remove_file(note);
    }
    status
}

fn run(
    command: &mut Command,
    interrupt: &Interrupt,
    started: impl FnOnce(u32) -> Result<()>,
) -> Result<ExitStatus> {
    interrupt.check()?;
    // A group of its own, so that a request to stop ends the tool with all it started, whoever it came from.
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
