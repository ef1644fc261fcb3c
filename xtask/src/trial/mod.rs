//! `cargo xtask trial`

mod isolation;

use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;

/// Break the product on purpose, and check that something notices
#[derive(Debug, clap::Subcommand)]
pub enum Trial {
    Isolation(isolation::Arguments),
}

impl Trial {
    /// Runs the trial.
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        match self {
            Self::Isolation(arguments) => isolation::run(project, arguments),
        }
    }
}
