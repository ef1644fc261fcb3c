//! Processes of this machine: when they started, their descendants, and signals to them.

use std::{fs, process::Command};

use rustix::process::{Pid, Signal};

/// Returns when the process started, as the system writes it: this tells it from a later process with the same id.
/// `None` if there is no such process, or if it is a zombie.
#[must_use]
pub fn started_at(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the name of the program in parentheses. It may contain spaces and parentheses.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?;
        return (state != "Z").then(|| started.to_owned());
    }
    let output = Command::new("ps")
        .args(["-o", "lstart=,stat=", "-p", &pid.to_string()])
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (started, state) = text.trim().rsplit_once(' ')?;
    (!state.starts_with('Z')).then(|| started.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Returns the name of the program of a process.
#[must_use]
pub fn name(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        return Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned());
    }
    let output = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Returns the processes that descend from `pid`, without `pid`.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let parents = parents();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
}

/// Returns all processes with their parents.
fn parents() -> Vec<(u32, u32)> {
    if cfg!(target_os = "linux") {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        return entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid: u32| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
                let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
                Some((pid, parent))
            })
            .collect();
    }
    let Ok(output) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else { return Vec::new() };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().map(str::parse);
            Some((fields.next()?.ok()?, fields.next()?.ok()?))
        })
        .collect()
}

/// The signal that stops a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGQUIT.
    Quit,
    /// SIGKILL.
    Kill,
}

impl StopSignal {
    /// Returns the name in a record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
            Self::Quit => "quit",
            Self::Kill => "kill",
        }
    }

    /// Parses a name in a record.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Interrupt, Self::Terminate, Self::Quit, Self::Kill]
            .into_iter()
            .find(|signal| signal.name() == name)
    }
}

/// Sends a signal to the process `pid`. Does nothing if it has exited.
pub(crate) fn signal(pid: u32, signal: StopSignal) {
    let signal = match signal {
        StopSignal::Interrupt => Signal::INT,
        StopSignal::Terminate => Signal::TERM,
        StopSignal::Quit => Signal::QUIT,
        StopSignal::Kill => Signal::KILL,
    };
    if let Some(pid) = to_pid(pid) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

/// Sends SIGTERM to the process group of `pid`.
pub(crate) fn terminate_group(pid: u32) {
    if let Some(pid) = to_pid(pid) {
        let _gone = rustix::process::kill_process_group(pid, Signal::TERM);
    }
}

/// The descendants of a process. They can be killed also after that process has exited.
#[derive(Debug)]
pub(crate) struct ProcessTree(Vec<(u32, String)>);

impl ProcessTree {
    /// Returns the current descendants of `pid`.
    pub fn of(pid: u32) -> Self {
        Self(descendants(pid).into_iter().filter_map(|pid| Some((pid, started_at(pid)?))).collect())
    }

    /// Kills those that still run. Some tools (cargo-lambda) put their children into other process groups.
    pub fn kill_survivors(&self) {
        for (pid, started) in &self.0 {
            if started_at(*pid).is_some_and(|now| now == *started) {
                signal(*pid, StopSignal::Kill);
            }
        }
    }
}

/// Kills the process group of `pid`.
pub(crate) fn kill_group(pid: u32) {
    if let Some(pid) = to_pid(pid) {
        let _gone = rustix::process::kill_process_group(pid, Signal::KILL);
    }
}

fn to_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn child_is_a_descendant_until_it_ends() -> anyhow::Result<()> {
        let mut child = Command::new("sleep").arg("60").spawn()?;
        assert!(descendants(std::process::id()).contains(&child.id()));
        assert!(started_at(child.id()).is_some());

        child.kill()?;
        while started_at(child.id()).is_some() {
            std::thread::yield_now();
        }
        child.wait()?;
        Ok(())
    }
}
