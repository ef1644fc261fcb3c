//! Where things are in this checkout.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use local_stack::{Interrupt, ToolSet, Tools, command, service};
use serde_json::Value;

use crate::progress::Lines;

/// The checkout that the command works on, and the wish to stop.
pub struct Project {
    /// Its top folder.
    pub root: PathBuf,
    /// Set by Ctrl-C and SIGTERM.
    pub interrupt: Interrupt,
}

impl Project {
    /// The checkout this program was built from.
    pub fn here(interrupt: Interrupt) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("find the top folder")?;
        Ok(Self { root: root.to_owned(), interrupt })
    }

    /// Where everything local is kept that is not in git.
    pub fn dev(&self) -> PathBuf {
        self.root.join(".dev")
    }

    /// The log of a tool.
    pub fn log(&self, name: &str) -> PathBuf {
        service::log_path(&self.dev(), name)
    }

    /// The tools, installed if necessary.
    pub fn tools(&self, set: ToolSet) -> Result<Tools> {
        Tools::ensure(&self.root, set, &self.interrupt, &Lines)
    }

    /// A cargo that works on this checkout.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments);
        // They describe this crate; a build script would run again because of them.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_")) {
            cargo.env_remove(name);
        }
        cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        cargo
    }

    /// A program that works on this checkout.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Runs a tool whose output is of interest only when it fails.
    pub fn quietly(&self, name: &str, tool: &mut Command) -> Result<()> {
        command::quietly(tool, &self.log(name), &self.interrupt)
    }

    /// Where cargo puts what it builds, which the user may have moved.
    pub fn target(&self) -> Result<PathBuf> {
        let output = self
            .cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .output()
            .context("start cargo metadata")?;
        let metadata: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim())
        })?;
        let target = metadata["target_directory"].as_str().context("cargo names no target directory")?;
        Ok(PathBuf::from(target))
    }
}
