//! `cargo xtask appoint`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::command;

use crate::{database::Database, project::Project};

/// Make a user an administrator of the local system
///
/// `cargo xtask dev` must be running. The account must exist, and its address must be verified.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask appoint ada@example.org")]
pub struct Arguments {
    /// E-mail address of the account
    email: String,
    #[command(flatten)]
    database: Database,
}

/// Runs `migrate appoint`, as an operator does in AWS.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let url = arguments.database.url(project)?;
    let mut migrate =
        project.cargo(&["run", "--quiet", "--bin", "migrate", "--", "appoint", &arguments.email]);
    migrate.env("DATABASE_URL", url).env("SQLX_OFFLINE", "true").env("LOG_FORMAT", "pretty");
    let status = command::run(&mut migrate, &project.interrupt)?;
    if !status.success() {
        bail!("No administrator was appointed; the reason is above. Is `cargo xtask dev` running?");
    }
    Ok(ExitCode::SUCCESS)
}
