//! `cargo xtask psql`

use std::{os::unix::process::CommandExt, process::ExitCode};

use anyhow::{Context, Result};
use clap::ValueEnum;
use local_stack::{
    Credentials, ToolSet,
    postgres::{self, Login},
};

use crate::{project::Project, running::Addresses};

/// Open psql on the local database
///
/// `cargo xtask dev` or `cargo xtask services` must be running. The connection is to PostgreSQL, without the pooler.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask psql\n  cargo xtask psql -- --command 'SELECT email FROM users'\n  cargo xtask psql --role api < query.sql"
)]
pub struct Arguments {
    /// The rights: of the owner of the schema, or of the functions
    #[arg(long, value_enum, default_value_t = Role::Owner)]
    role: Role,
    /// Options of psql
    #[arg(last = true)]
    psql: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Everything
    Owner,
    /// The rights of the API functions
    Api,
    /// The rights of `retention`
    Retention,
    /// The rights of `backup`: reads everything
    Backup,
}

/// Becomes psql: so Ctrl-C stops a query, and not this command.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let addresses = Addresses::find(&project.dev())?;
    let port = addresses.postgres().context(
        "The running system uses your own database. Open it with the URL that you started it with: psql \"$DATABASE_URL\"",
    )?;
    let program = project.tools(ToolSet::Services)?.postgres("psql")?;
    let credentials = Credentials::load_or_create(&project.dev())?;
    let mut psql = postgres::psql(&program, port, arguments.role.login(), &credentials, postgres::DATABASE);
    Err(anyhow::Error::new(psql.args(&arguments.psql).exec()).context("start psql"))
}

impl Role {
    fn login(self) -> Login {
        match self {
            Self::Owner => Login::Owner,
            Self::Api => Login::Api,
            Self::Retention => Login::Retention,
            Self::Backup => Login::Backup,
        }
    }
}
