//! `cargo xtask bench answers`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::{Packages, ToolSet};

use crate::{
    bench::{FAST_BUILD, measure},
    progress::{Lines, step},
    project::{Profile, Project},
};

/// Measure how soon answers of language models begin, what a token costs, and how much memory 50 streams take
///
/// Starts the services and the local model, and runs instances of the real `answers`. Prints the table.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask bench answers --rounds 3")]
pub struct Arguments {
    /// Number of rounds
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure debug builds, to try the bench itself
    #[arg(long)]
    debug: bool,
}

/// Starts the services and runs the measurements.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let profile = if arguments.debug { Profile::Dev } else { Profile::Release };
    let release = (profile == Profile::Release).then_some("--release");
    let tools = project.tools(ToolSet::Services)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    step("Benchmark built", || {
        let mut build = project.cargo(&["build", "--package", "bench", "--package", "answers"]);
        project.quietly("bench-build", build.args(release).envs(FAST_BUILD))
    })?;

    let mut bench = project.command(project.target(profile)?.join("bench"));
    bench.arg("answers").arg(arguments.rounds.to_string());
    bench.env("TEST_TARGET_DIR", project.target(profile)?);
    measure(project, &tools, &packages, bench)
}
