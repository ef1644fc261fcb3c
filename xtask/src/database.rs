//! The database of a command.

use anyhow::Result;
use local_stack::{Credentials, postgres};

use crate::project::Project;

/// Returns a URL that names a database. Where `cargo xtask env` was evaluated, `DATABASE_URL` is a reference to a secret of the
/// embedded one.
pub fn own(url: Option<&String>) -> Option<&String> {
    url.filter(|url| !url.starts_with("arn:"))
}

/// The embedded database, or one that an option names.
#[derive(Debug, clap::Args)]
pub struct Database {
    /// Port of the embedded PostgreSQL of `cargo xtask dev`
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 9001, value_name = "PORT")]
    postgres_port: u16,
    /// Use this database instead; the URL must be that of its owner
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
}

impl Database {
    /// Returns the URL of the owner.
    pub fn url(&self, project: &Project) -> Result<String> {
        if let Some(url) = own(self.database_url.as_ref()) {
            return Ok(url.clone());
        }
        let credentials = Credentials::load_or_create(&project.dev())?;
        Ok(postgres::url(&credentials, self.postgres_port, postgres::DATABASE))
    }
}
