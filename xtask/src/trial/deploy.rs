//! `cargo xtask trial deploy`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::{ToolSet, Tools, command};

use crate::project::Project;

/// Deploy all environments to a `CloudFormation` on this machine, with the real `sam deploy`
///
/// Follows the commands of docs/deploy.md: creates the stacks, deploys them again, changes a parameter and deletes them. Then creates an
/// environment in two regions at once. What this cannot show: docs/testing.md.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only these environments, in one region
    environments: Vec<String>,
}

/// The environment that `cargo xtask ci` deploys: it has everything that production has, except canaries.
pub const ONE: &str = "staging";

/// Runs the trial.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let tools = project.tools(ToolSet::Checks)?;
    if arguments.environments.is_empty() {
        deploy(
            project,
            &tools,
            &["small", "dev", "staging", "production", "--second-region", "eu-central-1"],
        )?;
    } else {
        let environments: Vec<_> = arguments.environments.iter().map(String::as_str).collect();
        deploy(project, &tools, &environments)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Deploys with `arguments` of infra/trial/run.py.
pub fn deploy(project: &Project, tools: &Tools, arguments: &[&str]) -> Result<()> {
    let mut trial = project.command(tools.program("python"));
    let status = command::run(trial.arg("infra/trial/run.py").args(arguments), &project.interrupt)?;
    if !status.success() {
        bail!("`{}` failed ({status})", command::line(&trial));
    }
    Ok(())
}
