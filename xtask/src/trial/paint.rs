//! `cargo xtask trial paint`

use std::process::ExitCode;

use anyhow::Result;

use crate::{project::Project, test};

/// Measure when the console is painted on a slow device with a slow connection
///
/// Opens the sign-in page and the home page in Chromium, with a CPU that is four times slower and 1.6 Mbit/s, at three latencies.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the trial. Fails if the largest paint is later than its budget.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    let run = ["--workspace", "--test", "browser", "pages_are_painted_in_time"];
    test::run_each(project, &[[&run[..], &["--", "--ignored", "--nocapture"]].concat()])
}
