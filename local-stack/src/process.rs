//! What the system knows of a process.

use std::{fs, process::Command};

use rustix::process::{Pid, Signal};

/// Tells one process from another that is later given the same id: when it started, as the system writes it.
/// `None` if there is no such process or it is only waiting to be collected by its parent.
#[must_use]
pub fn started_at(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
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

/// The processes that descend from `pid`, itself not included.
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

/// Every process with its parent.
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

/// What makes a service end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGQUIT.
    Quit,
    /// SIGKILL.
    Kill,
}

impl Ending {
    /// The name it has in a note.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
            Self::Quit => "quit",
            Self::Kill => "kill",
        }
    }

    /// The one that [`Ending::name`] names.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Interrupt, Self::Terminate, Self::Quit, Self::Kill]
            .into_iter()
            .find(|ending| ending.name() == name)
    }
}

/// Ends the process `pid`. That it is gone already is what the sender wants anyway.
pub(crate) fn end(pid: u32, ending: Ending) {
    let signal = match ending {
        Ending::Interrupt => Signal::INT,
        Ending::Terminate => Signal::TERM,
        Ending::Quit => Signal::QUIT,
        Ending::Kill => Signal::KILL,
    };
    if let Some(pid) = to_pid(pid) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

/// Asks everything in the group that `pid` leads to end.
pub(crate) fn end_group(pid: u32) {
    if let Some(pid) = to_pid(pid) {
        let _gone = rustix::process::kill_process_group(pid, Signal::TERM);
    }
}

/// The processes below another, so that they can be ended after it is gone.
#[derive(Debug)]
pub(crate) struct Family(Vec<(u32, String)>);

impl Family {
    /// The descendants of `pid` as they are now.
    pub fn of(pid: u32) -> Self {
        Self(descendants(pid).into_iter().filter_map(|pid| Some((pid, started_at(pid)?))).collect())
    }

    /// Ends those that are still there. Some tools (cargo-lambda) put their children into groups of their own.
    pub fn kill_survivors(&self) {
        for (pid, started) in &self.0 {
            if started_at(*pid).is_some_and(|now| now == *started) {
                end(*pid, Ending::Kill);
            }
        }
    }
}

/// Ends at once everything in the group that `pid` leads.
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
    fn a_child_is_a_descendant_and_is_gone_after_its_end() -> anyhow::Result<()> {
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
