//! `cargo xtask trial answers`

use std::process::ExitCode;

use anyhow::Result;

use crate::{project::Project, test};

/// Ask 1,000 questions, cancel, leave and kill many of the answers, and see whether the tokens are right
///
/// Runs four instances of the real `answers`. Six of ten answers are stopped at a random moment.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the trial. Fails if an answer is left unfinished, or tokens are not accounted for.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    test::run_each(project, &[vec!["--workspace", "--test", "trial", "stopped_answers", "--", "--nocapture"]])
}
