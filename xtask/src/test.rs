//! `cargo xtask test`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::{
    Packages, Scratch, Stack, ToolSet, command,
    environment::give,
    stack::{Ports, Purpose, Settings},
};

use crate::{
    progress::Lines,
    project::{Profile, Project},
};

/// Run all tests against real services, which are started for them and stopped afterwards
///
/// PostgreSQL, PgBouncer, Redis and stand-ins for AWS run in a temporary folder on free ports, so a running
/// `cargo xtask dev` is not disturbed. Nothing stays behind.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Run only the tests with this in their name
    filter: Option<String>,
    /// Passed on to the test programs, for example `-- --nocapture`
    #[arg(last = true)]
    extra: Vec<String>,
}

/// Services on free ports, of which nothing stays behind.
pub fn passing(scratch: &Scratch, purpose: Purpose) -> Result<Settings> {
    Ok(Settings {
        purpose,
        dir: scratch.path().to_owned(),
        ports: Ports::free()?,
        database_url: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Runs the tests; the exit code is theirs.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let mut run = vec!["--workspace", "--no-fail-fast"];
    run.extend(arguments.filter.as_deref());
    run.push("--");
    run.extend(arguments.extra.iter().map(String::as_str));
    run_each(project, &[run])
}

/// Runs `cargo test` with each of the `runs` on the same services, until one fails. The exit code is that of the last one.
pub fn run_each(project: &Project, runs: &[Vec<&str>]) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Services)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    project.build_functions(Profile::Dev)?;

    let scratch = Scratch::create()?;
    let mut stack =
        Stack::start(&tools, &packages, passing(&scratch, Purpose::Test)?, &project.interrupt, &Lines)?;

    for run in runs {
        let mut tests = project.cargo(&["test"]);
        tests.args(run);
        give(&mut tests, &stack.test_environment()?);
        tests.env("TEST_TOOLS", tools.path()).env("TEST_TARGET_DIR", project.target(Profile::Dev)?);
        let status = command::openly_noted("tests", scratch.path(), &mut tests, &project.interrupt)?;
        if !status.success() {
            if let Err(error) = stack.check() {
                eprintln!("\n{error:#}");
            }
            eprintln!("\nTests failed. One of them again: cargo xtask test <its name> -- --nocapture");
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
        }
    }
    Ok(ExitCode::SUCCESS)
}
