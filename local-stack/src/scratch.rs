//! A temporary folder for one run.

use std::{
    env,
    fs::{self, DirBuilder, File},
    hash::{BuildHasher, RandomState},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context, Result};
use rustix::fs::statvfs;

use crate::orphans;

const PREFIX: &str = "arches-local-stack-";
const LOCK: &str = "lock";
/// A file system in memory, on Linux.
const MEMORY: &str = "/dev/shm";
/// In bytes. Many containers have only 64 MiB.
const ENOUGH_MEMORY: u64 = 4 << 30;

/// A temporary folder, deleted when dropped. If the run is killed, the next run deletes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Locked as long as the folder is in use.
    _lock: File,
}

impl Scratch {
    /// Creates a folder, and deletes those of killed runs.
    pub fn create() -> Result<Self> {
        Self::create_in(&env::temp_dir())
    }

    /// Creates a folder like [`Scratch::create`], in memory if there is enough. Databases are copied and dropped there in a tenth of the time.
    pub fn in_memory() -> Result<Self> {
        if free_space(Path::new(MEMORY)) < ENOUGH_MEMORY {
            Self::create()
        } else {
            Self::create_in(Path::new(MEMORY))
        }
    }

    fn create_in(parent: &Path) -> Result<Self> {
        delete_abandoned(parent);
        let name = format!("{:016x}", RandomState::new().hash_one(process::id()));
        // Renamed when locked: other runs do not look at this first name.
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

/// Returns the free bytes of the file system of `path`. Returns 0 if it cannot be read.
#[must_use]
pub fn free_space(path: &Path) -> u64 {
    statvfs(path).map_or(0, |system| system.f_bavail * system.f_frsize)
}

/// Returns the folders that killed runs have left, in memory and on the disk.
#[must_use]
pub fn abandoned() -> Vec<PathBuf> {
    let parents = [PathBuf::from(MEMORY), env::temp_dir()];
    parents.iter().flat_map(|parent| unlocked(parent)).map(|(path, _)| path).collect()
}

/// Deletes unlocked folders, and stops the processes that are recorded in them. Folders of other users stay.
fn delete_abandoned(parent: &Path) {
    for (path, _lock) in unlocked(parent) {
        if orphans::stop(&path).is_ok() {
            let _as_far_as_possible = fs::remove_dir_all(&path);
        }
    }
}

/// Locks the folders in `parent` that no run has locked.
fn unlocked(parent: &Path) -> impl Iterator<Item = (PathBuf, File)> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)).filter_map(|entry| {
        let lock = File::open(entry.path().join(LOCK)).ok()?;
        lock.try_lock().is_ok().then(|| (entry.path(), lock))
    })
}
