//! `cargo xtask sam-build`

use std::process::ExitCode;

use anyhow::Result;
use local_stack::ToolSet;

use crate::{ci, progress::step, project::Project};

/// Build what SAM deploys, for x86-64, into .aws-sam
///
/// The release workflow builds for arm64 on a machine of that kind. This shows on any machine that the template finds
/// every function, and that every function compiles and links for Amazon Linux.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs `sam build`.
pub fn run(project: &Project, _: &Arguments) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Checks)?;
    step("Functions built for AWS", || {
        let mut build = ci::sam(project, &tools)?;
        // For arm64, cargo-lambda would fetch a toolchain part from outside the package registries.
        build.args(["build", "--template", "template.yaml", "--parameter-overrides", "Architecture=x86_64"]);
        project.quietly("sam-build", &mut build)
    })?;
    Ok(ExitCode::SUCCESS)
}
