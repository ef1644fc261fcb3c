//! Paths and programs of this checkout.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use local_stack::{Interrupt, ToolSet, Tools, command, service};
use serde_json::Value;

use crate::progress::{Lines, step};

/// The checkout that a command works on, and the request to stop.
pub struct Project {
    /// The top folder.
    pub root: PathBuf,
    /// Set by Ctrl-C and SIGTERM.
    pub interrupt: Interrupt,
    /// The checkout whose tools and logs are used: another one, if this one is a copy.
    pub home: PathBuf,
    /// The build folder of cargo, if it is not cargo's own choice.
    pub target: Option<PathBuf>,
}

impl Project {
    /// Finds the checkout that this program was built from.
    pub fn here(interrupt: Interrupt) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("find the top folder")?;
        Ok(Self { root: root.to_owned(), interrupt, home: root.to_owned(), target: None })
    }

    /// Returns the folder of local files that are not in git.
    pub fn dev(&self) -> PathBuf {
        self.home.join(".dev")
    }

    /// Returns the path of the log of a tool.
    pub fn log(&self, name: &str) -> PathBuf {
        service::log_path(&self.dev(), name)
    }

    /// Returns the tools. Installs what is missing.
    pub fn tools(&self, set: ToolSet) -> Result<Tools> {
        Tools::ensure(&self.home, set, &self.interrupt, &Lines)
    }

    /// Returns a cargo command for this checkout.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments);
        cargo
    }

    /// Returns a command for this checkout.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // These variables of cargo are about xtask, not about what the program builds.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        if let Some(target) = &self.target {
            command.env("CARGO_TARGET_DIR", target);
        }
        command
    }

    /// Runs a tool with its output in the log `name`. If the tool fails, the error has the end of the log.
    pub fn quietly(&self, name: &str, tool: &mut Command) -> Result<()> {
        command::quietly(tool, &self.log(name), &self.interrupt)
    }

    /// Returns the end of a log, as a sentence to append to an error.
    pub fn tail(&self, name: &str) -> String {
        service::tail(&self.log(name))
    }

    /// Builds all functions with the options of `cargo lambda watch`, which then need not build them.
    pub fn build_functions(&self, profile: Profile) -> Result<()> {
        let functions = self.functions()?;
        step("Functions built", || self.build_programs(&functions, profile))
    }

    /// Builds programs. Not with `--package`: cargo would select other features and compile most libraries again.
    pub fn build_programs(&self, names: &[String], profile: Profile) -> Result<()> {
        let mut build = self.cargo(&["build"]);
        build.args(profile.flag());
        for name in names {
            build.args(["--bin", name]);
        }
        self.quietly("build", &mut build)
    }

    /// Returns the path of the program of a built function.
    pub fn function(&self, name: &str, profile: Profile) -> Result<PathBuf> {
        Ok(self.target(profile)?.join(name))
    }

    /// Returns the folder of built programs, which the user may have configured.
    pub fn target(&self, profile: Profile) -> Result<PathBuf> {
        Ok(self.target_folder()?.join(profile.folder()))
    }

    /// Returns the build folder of cargo.
    pub fn target_folder(&self) -> Result<PathBuf> {
        let target = self.metadata()?["target_directory"].as_str().map(PathBuf::from);
        target.context("cargo metadata has no target directory")
    }

    /// Returns the names of the functions: the programs of the packages in `functions`.
    fn functions(&self) -> Result<Vec<String>> {
        let folder = self.root.join("functions");
        self.targets_where(|package, target| {
            package["manifest_path"].as_str().is_some_and(|path| Path::new(path).starts_with(&folder))
                && target["kind"][0] == "bin"
        })
    }

    /// Returns the names of all libraries, programs and tests of the workspace.
    pub fn targets(&self) -> Result<Vec<String>> {
        self.targets_where(|_, _| true)
    }

    fn targets_where(&self, is_wanted: impl Fn(&Value, &Value) -> bool) -> Result<Vec<String>> {
        let metadata = self.metadata()?;
        let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
        let mut names = Vec::new();
        for package in packages {
            let targets = package["targets"].as_array().into_iter().flatten();
            let wanted = targets.filter(|target| is_wanted(package, target));
            names.extend(wanted.filter_map(|target| target["name"].as_str().map(str::to_owned)));
        }
        Ok(names)
    }

    /// Returns the stacks: the folders of `infra` that have a `head.yaml`.
    pub fn stacks(&self) -> Result<Vec<String>> {
        let folder = self.root.join("infra");
        let entries = fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let with_head = folders.filter(|folder| folder.join("head.yaml").exists());
        let mut stacks: Vec<_> =
            with_head.filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned())).collect();
        stacks.sort();
        Ok(stacks)
    }

    fn metadata(&self) -> Result<Value> {
        let mut cargo = self.cargo(&["metadata", "--format-version", "1", "--no-deps"]);
        let output = cargo.output().context("start cargo metadata")?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim())
        })
    }
}

/// Runs a program and returns its output. Fails if it fails.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let line = local_stack::command::line(command);
    let output = command.output().with_context(|| format!("start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// Returns the path of the template of a stack. That of the app is where SAM expects it.
pub fn template(stack: &str) -> String {
    if stack == "app" { "template.yaml".to_owned() } else { format!("infra/stacks/{stack}.yaml") }
}

/// A build profile of cargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Fast to build.
    Dev,
    /// Fast to run.
    Release,
}

impl Profile {
    fn flag(self) -> Option<&'static str> {
        (self == Self::Release).then_some("--release")
    }

    pub fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}
