//! Services that an earlier run was not able to stop, because it was killed itself.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::process::{self, Ending, Family};

/// After this, a leftover is no longer asked.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// Writes down how to find and stop the process `pid`, in `<dir>/run/<name>`.
pub(crate) fn note(dir: &Path, name: &str, pid: u32, stop_with: Ending) -> Result<PathBuf> {
    let run = dir.join("run");
    fs::create_dir_all(&run).with_context(|| format!("create {}", run.display()))?;
    let path = run.join(name);
    let started = process::started_at(pid).unwrap_or_default();
    fs::write(&path, format!("{pid} {} {started}\n", stop_with.name()))
        .with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

/// Stops what the notes in `<dir>/run` tell of and returns the names of the services that were still there.
pub fn stop(dir: &Path) -> Result<Vec<String>> {
    let run = dir.join("run");
    let Ok(entries) = fs::read_dir(&run) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("read {}", run.display()))?.path();
        if let Some(leftover) = fs::read_to_string(&path).ok().as_deref().and_then(Leftover::parse)
            && leftover.is_alive()
        {
            let family = Family::of(leftover.pid);
            process::end(leftover.pid, leftover.stop_with);
            found.push((
                path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                leftover,
                family,
            ));
        }
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    let begin = Instant::now();
    for (_, leftover, family) in &found {
        while leftover.is_alive() && begin.elapsed() < PATIENCE {
            sleep(PAUSE);
        }
        if leftover.is_alive() {
            process::kill_group(leftover.pid);
        }
        family.kill_survivors();
    }
    Ok(found.into_iter().map(|(name, ..)| name).collect())
}

struct Leftover {
    pid: u32,
    stop_with: Ending,
    started: String,
}

impl Leftover {
    fn parse(note: &str) -> Option<Self> {
        let mut fields = note.trim().splitn(3, ' ');
        let pid = fields.next()?.parse().ok()?;
        let stop_with = Ending::named(fields.next()?)?;
        Some(Self { pid, stop_with, started: fields.next()?.to_owned() })
    }

    fn is_alive(&self) -> bool {
        process::started_at(self.pid).is_some_and(|started| started == self.started)
    }
}
