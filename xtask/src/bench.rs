//! `cargo xtask bench`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::{Packages, Scratch, Stack, ToolSet, command, environment::set_variables, stack::Purpose};

use crate::{
    progress::{Lines, step},
    project::Project,
    test::passing,
};

/// Measure the functions as they are deployed, beside the least that a function can be
///
/// Builds them for Amazon Linux, starts the services, and alternates with what each figure is compared with. Prints figures as
/// they come, and writes bench/results.json and docs/performance.md.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How often each figure is measured
    #[arg(long, default_value_t = 15)]
    rounds: u32,
    /// Measure one group of figures alone, and write nothing
    #[arg(long, value_parser = ["size", "cold", "warm", "jobs", "growth", "crowd"])]
    only: Option<String>,
    /// Measure what the last `cargo xtask sam-build` made, without building it again
    #[arg(long)]
    built: bool,
}

/// The program that measures need not be small, and is built in a third of the time.
const UNLINKED: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")];

/// Builds, starts and measures.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    if !arguments.built {
        let mut build = project.cargo(&["xtask", "sam-build"]);
        if !command::run(&mut build, &project.interrupt)?.success() {
            bail!("the functions could not be built");
        }
    }
    let tools = project.tools(ToolSet::Services)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    step("The floor built", || {
        let mut build = project.command(tools.program("cargo-lambda"));
        build.env("PATH", tools.search_path()?).args([
            "lambda",
            "build",
            "--release",
            "--x86-64",
            "--package",
            "bare",
        ]);
        project.quietly("bench-bare", &mut build)
    })?;
    step("The bench built", || {
        let mut build = project.cargo(&["build", "--release", "--package", "bench"]);
        project.quietly("bench-build", build.envs(UNLINKED))
    })?;

    let scratch = Scratch::create()?;
    let stack = Stack::start(
        &tools,
        &packages,
        passing(&scratch, Purpose::Measurement)?,
        &project.interrupt,
        &Lines,
    )?;
    let mut bench = project.cargo(&["run", "--quiet", "--release", "--package", "bench", "--"]);
    bench.envs(UNLINKED).arg(&project.root).arg(project.root.join("target/lambda/bare/bootstrap"));
    bench.arg(arguments.rounds.to_string()).args(&arguments.only);
    set_variables(&mut bench, &stack.test_environment()?);
    bench.env("TEST_TOOLS", tools.path());
    let status = command::run_recorded("bench", scratch.path(), &mut bench, &project.interrupt)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
