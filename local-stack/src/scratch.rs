//! A folder for one run, removed at its end.

use std::{
    env,
    fs::{self, DirBuilder, File},
    hash::{BuildHasher, RandomState},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};

use crate::leftovers;

const PREFIX: &str = "arches-local-stack-";
const LOCK: &str = "lock";

/// A temporary folder that a killed run leaves for the next one to clear away.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Held as long as the folder is in use.
    _lock: File,
}

impl Scratch {
    /// Creates one, and clears away those whose owner is gone.
    pub fn create() -> Result<Self> {
        let parent = env::temp_dir();
        clear_abandoned(&parent);
        let name = format!("{:016x}", RandomState::new().hash_one(process::id()));
        // Under a name that others look at only once the lock is held.
        let unfinished = parent.join(format!(".{PREFIX}{name}"));
        let path = parent.join(format!("{PREFIX}{name}"));
        DirBuilder::new()
            .mode(0o700)
            .create(&unfinished)
            .with_context(|| format!("create {}", path.display()))?;
        let lock = File::create(unfinished.join(LOCK)).context("create a lock")?;
        lock.lock().context("lock a new folder")?;
        fs::rename(&unfinished, &path).with_context(|| format!("create {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _as_far_as_possible = fs::remove_dir_all(&self.path);
    }
}

/// Stops what is left in folders that nobody holds, and removes them. Those of other users stay.
fn clear_abandoned(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if is_ours
            && let Ok(lock) = File::open(path.join(LOCK))
            && lock.try_lock().is_ok()
            && leftovers::stop(&path).is_ok()
        {
            let _as_far_as_possible = fs::remove_dir_all(&path);
        }
    }
}
