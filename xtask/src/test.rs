//! `cargo xtask test`

use std::{net::Ipv4Addr, process::ExitCode};

use anyhow::Result;
use local_stack::{
    Packages, Scratch, Stack, ToolSet, command,
    environment::{FRONT_END, set_variables},
    stack::{Ports, Purpose, Settings},
};

use crate::{
    console,
    progress::{Lines, step},
    project::{Profile, Project},
};

/// Run all tests on real services, which are started for them and stopped afterwards
///
/// PostgreSQL, PgBouncer, Redis and stand-ins for AWS run in a temporary folder on unused ports, in memory if there are 4 GiB: `cargo xtask dev` can run at the same
/// time. The folder is deleted afterwards.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask test --program api invitation -- --nocapture")]
pub struct Arguments {
    /// Run only tests whose name contains this text
    filter: Option<String>,
    /// Build and run only this test program of `tests/`, for example `jobs`
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// Options for the test programs, for example `-- --nocapture`
    #[arg(last = true)]
    extra: Vec<String>,
}

/// Returns settings for services on unused ports, with their data in `scratch`.
pub fn temporary_settings(scratch: &Scratch, purpose: Purpose) -> Result<Settings> {
    Ok(Settings {
        purpose,
        dir: scratch.path().to_owned(),
        ports: Ports::free()?,
        database_url: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // A browser of the tests finds both at other ports.
        api_url: "http://localhost:9000".to_owned(),
        console_url: FRONT_END.to_owned(),
        console_host: Ipv4Addr::LOCALHOST.into(),
    })
}

/// Runs the tests. Returns their exit code.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let mut run = match &arguments.program {
        Some(program) => vec!["--workspace", "--test", program],
        None => vec!["--workspace", "--no-fail-fast"],
    };
    run.extend(arguments.filter.as_deref());
    run.push("--");
    run.extend(arguments.extra.iter().map(String::as_str));
    run_each(project, &[run])
}

/// Returns whether the arguments of a `cargo test` name the tests in a browser, or none and so all.
fn opens_the_console(run: &[&str]) -> bool {
    let mut named = run.windows(2).filter(|pair| pair[0] == "--test").map(|pair| pair[1]).peekable();
    named.peek().is_none() || named.any(|name| name == "browser")
}

/// Builds the functions and all test programs.
pub fn build(project: &Project) -> Result<()> {
    project.build_functions(Profile::Dev)?;
    let mut tests = project.cargo(&["test", "--workspace", "--no-run"]);
    step("Test programs built", || project.quietly("build", &mut tests))
}

/// Runs `cargo test` with each of the `runs` on the same services, until one fails. The exit code is that of the last one.
pub fn run_each(project: &Project, runs: &[Vec<&str>]) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Tests)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    let chromium = tools.chromium(&project.log("tools"), &project.interrupt, &Lines)?;
    project.build_functions(Profile::Dev)?;

    let scratch = Scratch::in_memory()?;
    let mut stack = Stack::start(
        &tools,
        &packages,
        temporary_settings(&scratch, Purpose::Test)?,
        &project.interrupt,
        &Lines,
    )?;

    if runs.iter().any(|run| opens_the_console(run)) {
        console::build(project, &tools, scratch.path())?;
    }
    for run in runs {
        let mut tests = project.cargo(&["test"]);
        tests.args(run);
        set_variables(&mut tests, &stack.test_environment()?);
        tests.env("TEST_TOOLS", tools.path()).env("TEST_CHROMIUM", &chromium);
        tests.env("TEST_TARGET_DIR", project.target(Profile::Dev)?);
        let status = command::run_recorded("tests", scratch.path(), &mut tests, &project.interrupt)?;
        if !status.success() {
            if let Err(error) = stack.check() {
                eprintln!("\n{error:#}");
            }
            eprintln!("\nTests failed. To run one again: cargo xtask test <name> -- --nocapture");
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
        }
    }
    Ok(ExitCode::SUCCESS)
}
