//! `cargo xtask bench cloud`

use std::{fs, process::ExitCode};

use anyhow::{Context, Result};
use local_stack::{NpmPackages, Packages, ToolSet};

use crate::{
    bench::{FAST_BUILD, measure},
    progress::{Lines, step},
    project::{Profile, Project},
};

/// Half of a round trip through the proxy of a database in the same region, 0.8 ms, in milliseconds.
const POSTGRES_DELAY: f64 = 0.4;
/// Half of a round trip to a Redis in the same region, 0.3 ms, in milliseconds.
const REDIS_DELAY: f64 = 0.15;

/// What is measured, and the baseline.
const PROGRAMS: [&str; 4] = ["auth", "organizations", "system", "bare"];

const BETTER_AUTH: NpmPackages = NpmPackages {
    folder: "better-auth",
    package: include_str!("../../bench/better-auth/package.json"),
    lock: include_str!("../../bench/better-auth/package-lock.json"),
};
const SERVER: &str = include_str!("../../bench/better-auth/server.mjs");

/// Measure the functions as far from their services as in AWS, beside better-auth at the same distance
///
/// Builds the functions for this machine with the options of a deployment, starts the services, and puts a delay in front of PostgreSQL
/// and Redis. Each call goes to one warm instance of our functions and of better-auth in turn. Then measures cold starts with TLS. Prints the
/// tables, and writes them to docs/performance.md and bench/cloud.json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask bench cloud --built --rounds 1 --print")]
pub struct Arguments {
    /// Number of rounds
    #[arg(long, default_value_t = 15, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Delay of PostgreSQL in each direction, in milliseconds
    #[arg(long, default_value_t = POSTGRES_DELAY, value_name = "MS", value_parser = delay)]
    postgres_delay: f64,
    /// Delay of Redis in each direction, in milliseconds
    #[arg(long, default_value_t = REDIS_DELAY, value_name = "MS", value_parser = delay)]
    redis_delay: f64,
    /// Measure the last build, without a new build
    #[arg(long)]
    built: bool,
    /// Measure debug builds, to try the bench itself; implies --print
    #[arg(long)]
    debug: bool,
    /// Write no files
    #[arg(long)]
    print: bool,
}

/// Returns a delay in milliseconds.
fn delay(text: &str) -> Result<f64, String> {
    let delay: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&delay) { Ok(delay) } else { Err("not between 0 and 100".to_owned()) }
}

/// Builds the functions, starts the services and runs the measurements.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let profile = if arguments.debug { Profile::Dev } else { Profile::Release };
    let release = (profile == Profile::Release).then_some("--release");
    let tools = project.tools(ToolSet::Tests)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    let better_auth = step("better-auth installed", || {
        let folder =
            tools.ensure_npm_packages(BETTER_AUTH, &project.log("better-auth"), &project.interrupt)?;
        fs::write(folder.join("server.mjs"), SERVER).context("write server.mjs")?;
        Ok(folder)
    })?;
    if !arguments.built {
        step("Functions built", || {
            let mut build = project.cargo(&["build"]);
            build.args(release).args(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
            project.quietly("bench-functions", &mut build)
        })?;
    }
    step("Benchmark built", || {
        let mut build = project.cargo(&["build", "--package", "bench"]);
        project.quietly("bench-build", build.args(release).envs(FAST_BUILD))
    })?;

    let programs = project.target(profile)?;
    let mut bench = project.command(programs.join("bench"));
    bench.arg("cloud").arg(&project.root).arg(&programs).arg(programs.join("bare")).arg(better_auth);
    bench.arg(arguments.rounds.to_string());
    bench.args([arguments.postgres_delay, arguments.redis_delay].map(|delay| delay.to_string()));
    bench.arg(if arguments.print || arguments.debug { "print" } else { "write" });
    measure(project, &tools, &packages, bench)
}
