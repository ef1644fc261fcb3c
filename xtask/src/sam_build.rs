//! `cargo xtask sam-build`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::ToolSet;

use crate::{artifacts, ci, progress::step, project::Project};

/// Build what SAM deploys, for x86-64, into .aws-sam
///
/// The release workflow builds for arm64 on a machine of that kind. This shows on any machine that the template finds
/// every function, and that every function compiles, links and runs on Amazon Linux.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Without optimizations: shows in a fifth of the time that everything compiles and links
    #[arg(long)]
    quick: bool,
}

/// What replaces the release profile in Cargo.toml for a quick build.
const QUICK: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
];

/// Runs `sam build`.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Checks)?;
    step("Functions built for AWS", || {
        let mut build = ci::sam(project, &tools)?;
        // For arm64, cargo-lambda would fetch a toolchain part from outside the package registries.
        build.args(["build", "--template", "template.yaml", "--parameter-overrides", "Architecture=x86_64"]);
        if arguments.quick {
            build.envs(QUICK);
        }
        project.quietly("sam-build", &mut build)
    })?;
    artifacts::check(project, !arguments.quick)?;
    Ok(ExitCode::SUCCESS)
}
