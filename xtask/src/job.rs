//! `cargo xtask backup`, `backups`, `drill` and `restore`

use std::process::ExitCode;

use anyhow::{Result, bail};
use local_stack::{
    ToolSet, command,
    environment::{self, Variables, set_variables},
};
use serde_json::{Value, json};

use crate::{database::Database, project::Project};

#[derive(Debug, clap::Args)]
struct Services {
    #[command(flatten)]
    database: Database,
    /// Where the AWS stand-ins of `cargo xtask dev` listen
    #[arg(long, env = "AWS_PORT", default_value_t = 9004, value_name = "PORT")]
    aws_port: u16,
}

/// Back the local database up into the local S3, as the function `backup` does
///
/// `cargo xtask dev` must be running. Its S3 keeps everything in memory: backups last as long as it runs.
#[derive(Debug, clap::Args)]
pub struct Backup {
    #[command(flatten)]
    services: Services,
}

/// List the backups in the local S3
#[derive(Debug, clap::Args)]
pub struct Backups {
    #[command(flatten)]
    services: Services,
}

/// Restore a backup into a scratch database, compare it with its manifest, and remove it
#[derive(Debug, clap::Args)]
pub struct Drill {
    /// Which; the newest unless told otherwise
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    #[command(flatten)]
    services: Services,
}

/// Restore a backup for real, into an empty database, which is made if it is not there
///
/// Everyone is signed out in it.
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// Which; the newest unless told otherwise
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// The database: a name on the same server, or a postgresql:// URL
    #[arg(long, value_name = "NAME or URL")]
    target: String,
    #[command(flatten)]
    services: Services,
}

impl Backup {
    /// Asks `backup`.
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        run(project, &self.services, "backup", &json!({}))
    }
}

impl Backups {
    /// Asks `restore-drill`.
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        run(project, &self.services, "restore-drill", &json!({ "command": "list" }))
    }
}

impl Drill {
    /// Asks `restore-drill`.
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        let event = json!({ "command": "drill", "backup": self.backup });
        run(project, &self.services, "restore-drill", &event)
    }
}

impl Restore {
    /// Asks `restore-drill`.
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        let event = json!({ "command": "restore", "backup": self.backup, "target": self.target });
        run(project, &self.services, "restore-drill", &event)
    }
}

impl Services {
    /// What the function is told.
    fn environment(&self, project: &Project) -> Result<Variables> {
        let tools = project.tools(ToolSet::Services)?.postgres("pg_dump")?;
        let folder = tools.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        let mut variables = environment::aws(self.aws_port);
        variables.extend([
            ("DATABASE_URL", self.database.url(project)?),
            ("POSTGRES_BIN", folder),
            ("LOG_FORMAT", "pretty".to_owned()),
            ("LOG_LEVEL", "info".to_owned()),
            ("METRICS_ENABLED", "false".to_owned()),
        ]);
        Ok(variables)
    }
}

/// Asks the function `name`, as its schedule or an operator would in AWS.
fn run(project: &Project, services: &Services, name: &str, event: &Value) -> Result<ExitCode> {
    let mut function = project.cargo(&["run", "--quiet", "--package", name, "--", &event.to_string()]);
    set_variables(&mut function, &services.environment(project)?);
    let status = command::run(function.env("SQLX_OFFLINE", "true"), &project.interrupt)?;
    if !status.success() {
        bail!("`{name}` failed; its reason stands above. It needs a running `cargo xtask dev`.");
    }
    Ok(ExitCode::SUCCESS)
}
