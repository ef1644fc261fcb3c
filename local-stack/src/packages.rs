//! Redis and PgBouncer, from the system's package manager.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Result, bail};

use crate::{Interrupt, Report, command};

/// Folders of package managers that may be missing in the `PATH` of an ordinary user.
const EXTRA_FOLDERS: [&str; 5] =
    ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/// The programs of Redis and PgBouncer.
#[derive(Debug, Clone)]
pub struct Packages {
    /// `redis-server`.
    pub redis: PathBuf,
    /// `pgbouncer`.
    pub pgbouncer: PathBuf,
}

impl Packages {
    /// Finds the programs, or installs them. Fails with the command to run if it cannot install them.
    pub fn ensure(log: &Path, interrupt: &Interrupt, report: &dyn Report) -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        let commands = install_commands()?;
        let begin = Instant::now();
        report.begins("Installing redis-server and pgbouncer with the system's package manager (once)");
        for install in commands {
            let mut command = Command::new(install[0]);
            command.args(&install[1..]);
            command::quietly(&mut command, log, interrupt)?;
        }
        report.done("Redis and PgBouncer installed", begin.elapsed());
        match Self::find() {
            Some(found) => Ok(found),
            None => bail!("redis-server and pgbouncer were installed, but are not on PATH"),
        }
    }

    /// Finds the programs. Returns `None` if one is missing.
    #[must_use]
    pub fn find() -> Option<Self> {
        Some(Self { redis: on_path("redis-server")?, pgbouncer: on_path("pgbouncer")? })
    }
}

/// Returns the commands that install both, for this system and this user.
fn install_commands() -> Result<Vec<Vec<&'static str>>> {
    // With RUNLEVEL=1 Debian does not start the services after the installation.
    const UPDATE: [&str; 3] = ["apt-get", "update", "--quiet"];
    const INSTALL: [&str; 8] = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "RUNLEVEL=1",
        "apt-get",
        "install",
        "--yes",
        "redis-server",
        "pgbouncer",
    ];
    if on_path("apt-get").is_some() {
        if rustix::process::geteuid().is_root() {
            return Ok(vec![UPDATE.to_vec(), INSTALL.to_vec()]);
        }
        if works(&["sudo", "-n", "true"]) {
            let sudo = |command: &[&'static str]| [&["sudo", "-n"], command].concat();
            return Ok(vec![sudo(&UPDATE), sudo(&INSTALL)]);
        }
        bail!(
            "redis-server and pgbouncer are missing. Install them: \
             sudo apt-get update && sudo apt-get install redis-server pgbouncer"
        );
    }
    if on_path("brew").is_some() {
        return Ok(vec![vec!["brew", "install", "redis", "pgbouncer"]]);
    }
    bail!(
        "redis-server and pgbouncer are missing. Install both with the package manager of your system, then start again"
    )
}

pub(crate) fn works(command: &[&str]) -> bool {
    let mut run = Command::new(command[0]);
    run.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    run.status().is_ok_and(|status| status.success())
}

/// Returns the path of a program in `PATH`, or in a folder of a package manager.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(EXTRA_FOLDERS.into_iter().map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
