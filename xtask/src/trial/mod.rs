//! `cargo xtask trial`

mod answers;
pub mod deploy;
mod ingestion;
mod isolation;
mod models;
mod paint;

use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;

/// Try what the tests cannot: it takes longer, or changes the product on purpose
#[derive(Debug, clap::Subcommand)]
pub enum Trial {
    Answers(answers::Arguments),
    Deploy(deploy::Arguments),
    Ingestion(ingestion::Arguments),
    Isolation(isolation::Arguments),
    Models(models::Arguments),
    Paint(paint::Arguments),
}

impl Trial {
    /// Runs the trial.
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        match self {
            Self::Answers(arguments) => answers::run(project, arguments),
            Self::Deploy(arguments) => deploy::run(project, arguments),
            Self::Ingestion(arguments) => ingestion::run(project, arguments),
            Self::Isolation(arguments) => isolation::run(project, arguments),
            Self::Models(arguments) => models::run(project, arguments),
            Self::Paint(arguments) => paint::run(project, arguments),
        }
    }
}
