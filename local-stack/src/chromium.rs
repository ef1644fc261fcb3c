//! Chromium, for tests in a browser: that of the machine, or that of an npm package.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{
    Interrupt, NpmPackages, Report, Tools, command,
    packages::{on_path, works},
};

/// The programs that are looked for in `PATH`.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Where macOS has them.
const APPLICATIONS: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
/// Chromium without windows, for Linux on x86-64. It needs no other package and no rights of an administrator.
const CHROMIUM: NpmPackages = NpmPackages {
    folder: "chromium",
    package: include_str!("../requirements/chromium/package.json"),
    lock: include_str!("../requirements/chromium/package-lock.json"),
};
/// Whether npm has one for this system.
pub const IS_INSTALLABLE: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));
const UNPACK: &str = include_str!("../chromium.mjs");

impl Tools {
    /// Returns the path of a Chromium or Chrome that starts. Installs one from npm if the machine has none, and fails if npm has none.
    pub fn chromium(&self, log: &Path, interrupt: &Interrupt, report: &dyn Report) -> Result<PathBuf> {
        if let Some(found) = find() {
            return Ok(found);
        }
        if !IS_INSTALLABLE {
            bail!(
                "Chromium is missing. Install it: sudo apt-get install chromium, or brew install --cask google-chrome"
            );
        }
        let folder = self.folder_of(CHROMIUM);
        // npm empties `node_modules` when it installs another version. The last file that is unpacked is `run`.
        let unpacked = folder.join("node_modules/.chromium");
        let program = unpacked.join("run");
        let lock = File::create(folder.with_extension("lock")).context("create the lock of Chromium")?;
        lock.lock().context("wait for another command that installs Chromium")?;
        if !self.has(CHROMIUM) || !program.exists() {
            let begin = Instant::now();
            report.begins("Installing Chromium into .dev/chromium (once)");
            self.ensure_npm_packages(CHROMIUM, log, interrupt)?;
            let mut unpack = self.script(CHROMIUM, UNPACK)?;
            command::quietly(unpack.arg(&unpacked), log, interrupt)?;
            report.done("Chromium installed", begin.elapsed());
        }
        Ok(program)
    }
}

/// Finds the Chromium of the machine. It must start: Ubuntu's `chromium-browser` may only say how to install it.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = NAMES.into_iter().filter_map(on_path).collect();
    candidates.extend(APPLICATIONS.map(PathBuf::from));
    let starts = |path: &PathBuf| path.to_str().is_some_and(|program| works(&[program, "--version"]));
    candidates.into_iter().find(starts)
}
