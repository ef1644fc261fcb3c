//! `cargo xtask sam-build`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::ToolSet;

use crate::{artifacts, ci, progress::step, project::Project};

/// Build the functions and the layer as SAM deploys them, for x86-64, into .aws-sam
///
/// The release workflow builds for arm64, on an arm64 machine. This command shows on any machine that the template finds every function,
/// and that every function compiles, links and runs on Amazon Linux.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Build without optimizations, in a fifth of the time
    #[arg(long)]
    pub quick: bool,
}

/// Overrides the release profile of Cargo.toml for a quick build.
const QUICK: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    // Also for the crates that Cargo.toml gives a level: rustc takes the last one.
    ("RUSTFLAGS", "-Copt-level=0"),
];

/// Runs `sam build`.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Checks)?;
    step("Functions built for AWS", || {
        let mut build = ci::sam(project, &tools)?;
        // Not arm64: cargo-lambda would download a part of the toolchain from outside the package registries.
        build.args(["build", "--template", "template.yaml", "--parameter-overrides", "Architecture=x86_64"]);
        if arguments.quick {
            build.envs(QUICK);
        }
        project.quietly("sam-build", &mut build)
    })?;
    artifacts::check(project, !arguments.quick)?;
    Ok(ExitCode::SUCCESS)
}
