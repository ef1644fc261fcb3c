//! `cargo xtask token`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::{command, environment::set_variables};

use crate::{project::Project, running::Addresses};

/// Print an access token of a user of the local system, without the password
///
/// `cargo xtask dev` or `cargo xtask services` must be running. Opens a session, signs the token with the local key, and prints nothing
/// else. The token is valid for 15 minutes. No function can do this, so it cannot be done in AWS.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  curl localhost:9000/v1/auth/me -H \"authorization: Bearer $(cargo xtask token ada@example.org)\""
)]
pub struct Arguments {
    /// E-mail address of the account
    email: String,
}

/// Runs `local-token` with the environment of the functions.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let addresses = Addresses::find(&project.dev())?;
    let mut program = project.cargo(&["run", "--quiet", "--bin", "local-token", "--", &arguments.email]);
    set_variables(&mut program, &addresses.environment());
    if !command::run(program.env("SQLX_OFFLINE", "true"), &project.interrupt)?.success() {
        bail!("There is no token; the reason is above.");
    }
    Ok(ExitCode::SUCCESS)
}
