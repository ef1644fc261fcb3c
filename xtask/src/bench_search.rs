//! `cargo xtask bench search`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::{Packages, ToolSet};

use crate::{
    bench::{FAST_BUILD, measure},
    progress::{Lines, step},
    project::{Profile, Project},
};

/// Measure the search in organizations of 1,000 to 500,000 chunks: what it finds, and how long it takes
///
/// Starts the services and the embedding model. The library is made of real paragraphs from the documentation of the crates in
/// Cargo.lock, whose vectors are cached in .dev/search, and of vectors drawn around them. Prints the tables, and writes them to
/// docs/performance.md and bench/search.json.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask bench search --rounds 1 --print")]
pub struct Arguments {
    /// Number of rounds
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Also measure one HNSW index on the vectors of all organizations; it takes minutes to build
    #[arg(long)]
    global_index: bool,
    /// Measure with a debug build of the bench: faster to build, and a search takes about a millisecond longer
    #[arg(long)]
    debug: bool,
    /// Write no files
    #[arg(long)]
    print: bool,
}

/// Starts the services and runs the measurements.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let profile = if arguments.debug { Profile::Dev } else { Profile::Release };
    let release = (profile == Profile::Release).then_some("--release");
    let tools = project.tools(ToolSet::Services)?;
    let packages = Packages::ensure(&project.log("packages"), &project.interrupt, &Lines)?;
    step("Benchmark built", || {
        // The functions that process texts run too.
        let mut build =
            project.cargo(&["build", "--package", "bench", "--package", "extract", "--package", "index"]);
        project.quietly("bench-build", build.args(release).envs(FAST_BUILD))
    })?;

    let mut bench = project.command(project.target(profile)?.join("bench"));
    bench.arg("search").arg(&project.root).arg(arguments.rounds.to_string());
    bench.arg(if arguments.print { "print" } else { "write" });
    bench.arg(if arguments.global_index { "global-index" } else { "no-index" });
    bench.env("TEST_TARGET_DIR", project.target(profile)?);
    measure(project, &tools, &packages, bench)
}
