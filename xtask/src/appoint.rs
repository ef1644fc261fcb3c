//! `cargo xtask appoint`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::command;

use crate::{database::Database, project::Project};

/// Make someone an administrator of the local system, by the proved address of their account
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The address
    email: String,
    #[command(flatten)]
    database: Database,
}

/// Asks `migrate`, as an operator would in AWS.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let url = arguments.database.url(project)?;
    let mut migrate =
        project.cargo(&["run", "--quiet", "--package", "migrate", "--", "appoint", &arguments.email]);
    migrate.env("DATABASE_URL", url).env("SQLX_OFFLINE", "true").env("LOG_FORMAT", "pretty");
    let status = command::run(&mut migrate, &project.interrupt)?;
    if !status.success() {
        bail!("Nobody was appointed. Is `cargo xtask dev` running?");
    }
    Ok(ExitCode::SUCCESS)
}
