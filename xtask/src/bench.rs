//! `cargo xtask bench`

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use local_stack::{
    Packages, Scratch, Stack, ToolSet, Tools, command, environment::set_variables, stack::Purpose,
};

use crate::{
    bench_answers, bench_cloud, bench_search,
    progress::{Lines, step},
    project::Project,
    test::temporary_settings,
};

/// Measure the functions as they are deployed, and compare them with a minimal function
///
/// Builds the functions for Amazon Linux, starts the services, and alternates between each function and its baseline. Prints the figures
/// while it runs. Writes bench/results.json and docs/performance.md.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Example:\n  cargo xtask bench --built --only warm --rounds 5"
)]
pub struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// Number of measurements of each figure
    #[arg(long, default_value_t = 15, value_name = "N")]
    rounds: u32,
    /// Measure only one group of figures, and write no files
    #[arg(long, value_parser = ["size", "cold", "statements", "warm", "passkeys", "jobs", "growth", "crowd"])]
    only: Option<String>,
    /// Measure the last build of `cargo xtask sam-build`, without a new build
    #[arg(long)]
    built: bool,
}

/// What else can be measured.
#[derive(Debug, clap::Subcommand)]
enum Other {
    Answers(bench_answers::Arguments),
    Cloud(bench_cloud::Arguments),
    Search(bench_search::Arguments),
}

/// Builds the measuring program in a third of the time. It need not be small.
pub const FAST_BUILD: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")];

/// Builds the functions, starts the services and runs the measurements.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.other {
        Some(Other::Answers(arguments)) => return bench_answers::run(project, arguments),
        Some(Other::Cloud(arguments)) => return bench_cloud::run(project, arguments),
        Some(Other::Search(arguments)) => return bench_search::run(project, arguments),
        None => {}
    }
    if !arguments.built {
        let mut build = project.cargo(&["xtask", "sam-build"]);
        if !command::run(&mut build, &project.interrupt)?.success() {
            bail!("building the functions failed");
        }
    }
    let tools = project.tools(ToolSet::Services)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    step("Minimal function built", || {
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
    step("Benchmark built", || {
        let mut build = project.cargo(&["build", "--release", "--package", "bench"]);
        project.quietly("bench-build", build.envs(FAST_BUILD))
    })?;

    let mut bench = project.cargo(&["run", "--quiet", "--release", "--package", "bench", "--"]);
    bench.envs(FAST_BUILD).arg(&project.root).arg(project.root.join("target/lambda/bare/bootstrap"));
    bench.arg(arguments.rounds.to_string()).args(&arguments.only);
    measure(project, &tools, &packages, bench)
}

/// Starts the services, and runs the program `bench` with their addresses.
pub fn measure(
    project: &Project,
    tools: &Tools,
    packages: &Packages,
    mut bench: Command,
) -> Result<ExitCode> {
    let scratch = Scratch::create()?;
    let settings = temporary_settings(&scratch, Purpose::Measurement)?;
    let stack = Stack::start(tools, packages, settings, &project.interrupt, &Lines)?;
    set_variables(&mut bench, &stack.test_environment()?);
    bench.env("TEST_TOOLS", tools.path());
    let status = command::run_recorded("bench", scratch.path(), &mut bench, &project.interrupt)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
