//! A process that serves until it is told to stop.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    leftovers,
    process::{self, Ending, Family},
};

/// After this, a service is no longer asked.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);
/// How much of a log is worth reading after a failure.
const TAIL_LINES: usize = 40;
const TAIL_BYTES: u64 = 16 * 1024;

/// A running process with its log and the note by which a later run finds it.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    log: PathBuf,
    note: PathBuf,
    stop_with: Ending,
}

impl Service {
    /// Starts `command`; what it writes goes to `<dir>/logs/<name>.log`. It is asked to stop with `stop_with`.
    pub(crate) fn spawn(name: &str, command: &mut Command, dir: &Path, stop_with: Ending) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(open_log(&log_path(dir, name))?);
        Self::spawn_as_is(name, command, dir, stop_with)
    }

    /// Starts `command` like [`Service::spawn`], but its input and output are for [`Service::pipes`].
    pub(crate) fn spawn_piped(
        name: &str,
        command: &mut Command,
        dir: &Path,
        stop_with: Ending,
    ) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self::spawn_as_is(name, command, dir, stop_with)
    }

    fn spawn_as_is(name: &str, command: &mut Command, dir: &Path, stop_with: Ending) -> Result<Self> {
        let log = log_path(dir, name);
        // A group of its own: Ctrl-C reaches only us, and we stop everything in order.
        let child = command
            .stderr(open_log(&log)?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", Path::new(command.get_program()).display()))?;
        let note = leftovers::note(dir, name, child.id(), stop_with)?;
        Ok(Self { name: name.to_owned(), child, log, note, stop_with })
    }

    /// What the process reads and what it writes, once.
    pub(crate) fn pipes(&mut self) -> Result<(ChildStdin, ChildStdout)> {
        self.child.stdin.take().zip(self.child.stdout.take()).context("the pipes are taken")
    }

    /// Starts `command` like any other service, to be stopped with SIGTERM.
    pub fn start(name: &str, command: &mut Command, dir: &Path) -> Result<Self> {
        Self::spawn(name, command, dir, Ending::Terminate)
    }

    /// Fails with the end of its log if the process has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().context("ask for the state of a child")? {
            bail!("{} ended ({status}). {}", self.name, tail(&self.log));
        }
        Ok(())
    }

    /// Asks the process to stop, waits for its end, and insists after ten seconds.
    pub fn stop(&mut self) {
        self.end(self.stop_with);
    }

    /// Ends the process in a way of its own; insists after ten seconds.
    pub(crate) fn end(&mut self, ending: Ending) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let family = Family::of(self.child.id());
            if ending != Ending::Kill {
                process::end(self.child.id(), ending);
                self.await_exit(PATIENCE);
            }
            if matches!(self.child.try_wait(), Ok(None)) {
                process::kill_group(self.child.id());
                self.await_exit(PATIENCE);
            }
            family.kill_survivors();
        }
        let _gone = fs::remove_file(&self.note);
    }

    fn await_exit(&mut self, bound: Duration) {
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < bound {
            sleep(PAUSE);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the log of a service is.
#[must_use]
pub fn log_path(dir: &Path, name: &str) -> PathBuf {
    dir.join("logs").join(format!("{name}.log"))
}

/// Opens a log to append to, with the folders it needs.
pub fn open_log(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    }
    File::options().create(true).append(true).open(path).with_context(|| format!("open {}", path.display()))
}

/// The end of a log and where the rest is, as a sentence to append to a failure.
#[must_use]
pub fn tail(log: &Path) -> String {
    let text = read_end(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    if lines.is_empty() {
        return format!("Its log, {}, is empty.", log.display());
    }
    format!("The end of {}:\n  {}", log.display(), lines.join("\n  "))
}

fn read_end(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
