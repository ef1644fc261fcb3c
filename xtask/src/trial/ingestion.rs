//! `cargo xtask trial ingestion`

use std::process::ExitCode;

use anyhow::Result;

use crate::{project::Project, test};

/// Upload 100 files while the functions that process them are killed, and see whether something is lost or done twice
///
/// Runs the real `extract` and `index`, two instances each. One of three invocations is killed at a random moment.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the trial. Fails if an artifact is left half done, or tokens are not accounted for.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    test::run_each(
        project,
        &[vec!["--workspace", "--test", "trial", "killed_instances", "--", "--nocapture"]],
    )
}
