//! A process that serves until it is stopped.

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
    orphans,
    process::{self, ProcessTree, StopSignal},
};

/// After this a service that was asked to stop is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How much of a log a failure shows.
const TAIL_LINES: usize = 40;
const TAIL_BYTES: u64 = 16 * 1024;

/// A running process with its log, and with the record by which a later run finds it.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    log: PathBuf,
    record: PathBuf,
    stop_signal: StopSignal,
}

impl Service {
    /// Starts `command` with its output in `<dir>/logs/<name>.log`. `stop_signal` will stop it.
    pub(crate) fn spawn(
        name: &str,
        command: &mut Command,
        dir: &Path,
        stop_signal: StopSignal,
    ) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(open_log(&log_path(dir, name))?);
        Self::spawn_as_is(name, command, dir, stop_signal)
    }

    /// Starts `command` like [`Service::spawn`], but with pipes for input and output; see [`Service::pipes`].
    pub(crate) fn spawn_piped(
        name: &str,
        command: &mut Command,
        dir: &Path,
        stop_signal: StopSignal,
    ) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self::spawn_as_is(name, command, dir, stop_signal)
    }

    fn spawn_as_is(name: &str, command: &mut Command, dir: &Path, stop_signal: StopSignal) -> Result<Self> {
        let log = log_path(dir, name);
        // In a separate process group: Ctrl-C reaches only this process, which stops everything in order.
        let child = command
            .stderr(open_log(&log)?)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", Path::new(command.get_program()).display()))?;
        let record = orphans::record(dir, name, child.id(), stop_signal)?;
        Ok(Self { name: name.to_owned(), child, log, record, stop_signal })
    }

    /// Takes the input and the output of the process. Fails at the second call.
    pub(crate) fn pipes(&mut self) -> Result<(ChildStdin, ChildStdout)> {
        self.child.stdin.take().zip(self.child.stdout.take()).context("the pipes were already taken")
    }

    /// Starts `command` like [`Service::spawn`]. SIGTERM will stop it.
    pub fn start(name: &str, command: &mut Command, dir: &Path) -> Result<Self> {
        Self::spawn(name, command, dir, StopSignal::Terminate)
    }

    /// Fails with the end of the log if the process has exited.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().context("read the state of a process")? {
            bail!("{} ended ({status}). {}", self.name, tail(&self.log));
        }
        Ok(())
    }

    /// Stops the process, and kills it after ten seconds.
    pub fn stop(&mut self) {
        self.stop_with(self.stop_signal);
    }

    /// Stops the process with another signal, and kills it after ten seconds.
    pub(crate) fn stop_with(&mut self, signal: StopSignal) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let tree = ProcessTree::of(self.child.id());
            if signal != StopSignal::Kill {
                process::signal(self.child.id(), signal);
                self.await_exit(STOP_TIMEOUT);
            }
            if matches!(self.child.try_wait(), Ok(None)) {
                process::kill_group(self.child.id());
                self.await_exit(STOP_TIMEOUT);
            }
            tree.kill_survivors();
        }
        let _gone = fs::remove_file(&self.record);
    }

    fn await_exit(&mut self, timeout: Duration) {
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < timeout {
            sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the path of the log of a service.
#[must_use]
pub fn log_path(dir: &Path, name: &str) -> PathBuf {
    dir.join("logs").join(format!("{name}.log"))
}

/// Opens a log for appending. Creates its folder.
pub fn open_log(path: &Path) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
    }
    File::options().create(true).append(true).open(path).with_context(|| format!("open {}", path.display()))
}

/// Returns the end of a log and its path, as a sentence to append to an error.
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
