//! `cargo xtask appoint`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::{Credentials, command, postgres};

use crate::project::Project;

/// Make someone an administrator of the local system, by the proved address of their account
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The address
    email: String,
    /// Where the embedded PostgreSQL of `cargo xtask dev` listens
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 9001, value_name = "PORT")]
    postgres_port: u16,
    /// Use this database instead, as its owner
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
}

/// Asks `migrate`, as an operator would in AWS.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let url = if let Some(url) = &arguments.database_url {
        url.clone()
    } else {
        let password = Credentials::kept_in(&project.dev())?.postgres;
        format!(
            "postgresql://postgres:{password}@127.0.0.1:{}/{}",
            arguments.postgres_port,
            postgres::DATABASE
        )
    };
    let mut migrate =
        project.cargo(&["run", "--quiet", "--package", "migrate", "--", "appoint", &arguments.email]);
    migrate.env("DATABASE_URL", url).env("SQLX_OFFLINE", "true").env("LOG_FORMAT", "pretty");
    let status = command::openly(&mut migrate, &project.interrupt)?;
    if !status.success() {
        bail!("Nobody was appointed. Is `cargo xtask dev` running?");
    }
    Ok(ExitCode::SUCCESS)
}
