//! Processes that an earlier run did not stop, because it was killed.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::process::{self, ProcessTree, StopSignal};

/// After this an orphan is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Records how to find and stop the process `pid`, in `<dir>/run/<name>`. Returns the path of the record.
pub(crate) fn record(dir: &Path, name: &str, pid: u32, stop_with: StopSignal) -> Result<PathBuf> {
    let run = dir.join("run");
    fs::create_dir_all(&run).with_context(|| format!("create {}", run.display()))?;
    let path = run.join(name);
    let started = process::started_at(pid).unwrap_or_default();
    fs::write(&path, format!("{pid} {} {started}\n", stop_with.name()))
        .with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

/// Stops the processes that are recorded in `<dir>/run`. Returns the names of those that still ran.
pub fn stop(dir: &Path) -> Result<Vec<String>> {
    let run = dir.join("run");
    let Ok(entries) = fs::read_dir(&run) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("read {}", run.display()))?.path();
        if let Some(orphan) = fs::read_to_string(&path).ok().as_deref().and_then(Orphan::parse)
            && orphan.is_alive()
        {
            let tree = ProcessTree::of(orphan.pid);
            process::signal(orphan.pid, orphan.stop_with);
            found.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), orphan, tree));
        }
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    let begin = Instant::now();
    for (_, orphan, tree) in &found {
        while orphan.is_alive() && begin.elapsed() < STOP_TIMEOUT {
            sleep(POLL_INTERVAL);
        }
        if orphan.is_alive() {
            process::kill_group(orphan.pid);
        }
        tree.kill_survivors();
    }
    Ok(found.into_iter().map(|(name, ..)| name).collect())
}

/// Returns the names and the ids of the processes that are recorded in `<dir>/run` and still run.
#[must_use]
pub fn running(dir: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(dir.join("run")).into_iter().flatten().flatten();
    let alive = entries.filter_map(|entry| {
        let orphan = Orphan::parse(&fs::read_to_string(entry.path()).ok()?)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        orphan.is_alive().then_some((name, orphan.pid))
    });
    let mut running: Vec<_> = alive.collect();
    running.sort();
    running
}

struct Orphan {
    pid: u32,
    stop_with: StopSignal,
    started: String,
}

impl Orphan {
    fn parse(record: &str) -> Option<Self> {
        let mut fields = record.trim().splitn(3, ' ');
        let pid = fields.next()?.parse().ok()?;
        let stop_with = StopSignal::parse(fields.next()?)?;
        Some(Self { pid, stop_with, started: fields.next()?.to_owned() })
    }

    fn is_alive(&self) -> bool {
        process::started_at(self.pid).is_some_and(|started| started == self.started)
    }
}
