//! PostgreSQL and PgBouncer refuse to run as root. For root, they run as the user `nobody`.

use std::{ffi::OsStr, fs, os::unix::fs::chown, path::Path, process::Command};

use anyhow::{Context, Result};

/// The user and group `nobody`.
const NOBODY: u32 = 65_534;

/// Returns a command that runs `program` as an ordinary user, also if this process runs as root.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")])
        // The project may be in a folder that only root can read, such as /root.
        .args(["--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"])
        .arg(program);
    command
}

/// Creates a folder that belongs to the user of [`command`].
pub(crate) fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
    change_owner(path)
}

/// Changes the owner of a file or folder to the user of [`command`].
pub(crate) fn change_owner(path: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY))
            .with_context(|| format!("change the owner of {}", path.display()))?;
    }
    Ok(())
}
