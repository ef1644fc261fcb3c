//! `cargo xtask backup`, `backups`, `drill`, `restore` and `copy-backup`

use std::process::{Command, ExitCode};

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
    /// Port of the AWS stand-ins of `cargo xtask dev`
    #[arg(long, env = "AWS_PORT", default_value_t = 9004, value_name = "PORT")]
    aws_port: u16,
}

/// Back up the local database to the local S3, with the function `backup`
///
/// `cargo xtask dev` must be running. Its S3 is in memory: backups are lost when it stops.
#[derive(Debug, clap::Args)]
pub struct Backup {
    #[command(flatten)]
    services: Services,
}

/// List the backups in the local S3, as JSON
///
/// `cargo xtask dev` must be running.
#[derive(Debug, clap::Args)]
pub struct Backups {
    #[command(flatten)]
    services: Services,
}

/// Test a backup: restore it into a temporary database and compare that with the manifest
///
/// `cargo xtask dev` must be running. The temporary database is deleted afterwards.
#[derive(Debug, clap::Args)]
pub struct Drill {
    /// Id of the backup [default: the newest]
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// Version of its manifest [default: the current one]
    #[arg(long, value_name = "ID")]
    manifest_version: Option<String>,
    #[command(flatten)]
    services: Services,
}

/// Restore a backup into a new or empty database
///
/// `cargo xtask dev` must be running. The database is created if it does not exist. All sessions in it are ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask restore --target restored")]
pub struct Restore {
    /// Id of the backup [default: the newest]
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// Version of its manifest [default: the current one]
    #[arg(long, value_name = "ID")]
    manifest_version: Option<String>,
    /// Database to restore into: a name on the same server, or a postgresql:// URL
    #[arg(long, value_name = "NAME or URL")]
    target: String,
    /// What to do with users of whom it is unknown whether they were erased [default: refuse]
    #[arg(long, value_name = "erase or keep")]
    unconfirmed: Option<String>,
    #[command(flatten)]
    services: Services,
}

/// Copy a backup and its ledger of erasures to the buckets of another environment
///
/// Uses the AWS credentials and the region in the environment. They must be able to read the first two buckets, to write the others
/// and to verify MACs with the first environment's key. The result has the hash to restore it with.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  eval \"$(aws configure export-credentials --format env)\"
  AWS_REGION=eu-west-1 cargo xtask copy-backup --from-backups B --from-erasures E --from-mac-key K --to-backups B2 --to-erasures E2")]
pub struct CopyBackup {
    /// Id of the backup [default: the newest]
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// Version of its manifest [default: the current one]
    #[arg(long, value_name = "ID")]
    manifest_version: Option<String>,
    /// Bucket of the backup
    #[arg(long, value_name = "BUCKET")]
    from_backups: String,
    /// Bucket of its ledger of erasures
    #[arg(long, value_name = "BUCKET")]
    from_erasures: String,
    /// ARN of the KMS key that authenticates its manifest
    #[arg(long, value_name = "ARN", required_unless_present = "manifest_sha256")]
    from_mac_key: Option<String>,
    /// SHA-256 of its manifest, if that key is lost
    #[arg(long, value_name = "HASH")]
    manifest_sha256: Option<String>,
    /// Bucket for the backup
    #[arg(long, value_name = "BUCKET")]
    to_backups: String,
    /// Bucket for the ledger
    #[arg(long, value_name = "BUCKET")]
    to_erasures: String,
    /// ARN of the KMS key for the copied backup [default: the key of the bucket]
    #[arg(long, value_name = "ARN")]
    to_key: Option<String>,
}

impl Backup {
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        run(project, &self.services, "backup", &json!({}))
    }
}

impl Backups {
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        run(project, &self.services, "restore-drill", &json!({ "command": "list" }))
    }
}

impl Drill {
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        let event = json!({ "command": "drill", "backup": self.backup, "version": self.manifest_version });
        run(project, &self.services, "restore-drill", &event)
    }
}

impl Restore {
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        let event = json!({
            "command": "restore",
            "backup": self.backup,
            "version": self.manifest_version,
            "target": self.target,
            "unconfirmed": self.unconfirmed,
        });
        run(project, &self.services, "restore-drill", &event)
    }
}

impl CopyBackup {
    pub fn run(&self, project: &Project) -> Result<ExitCode> {
        let event = json!({
            "command": "copy",
            "backup": self.backup,
            "version": self.manifest_version,
            "manifestSha256": self.manifest_sha256,
            "backups": self.from_backups,
            "erasures": self.from_erasures,
        });
        let mut function = function(project, "restore-drill", &event);
        function.envs([
            // The copy does not use the database.
            ("DATABASE_URL", "postgresql://localhost/unused"),
            ("BACKUP_BUCKET", &*self.to_backups),
            ("BACKUP_KMS_KEY", self.to_key.as_deref().unwrap_or_default()),
            ("BACKUP_MAC_KEY", self.from_mac_key.as_deref().unwrap_or("none")),
            ("ERASURE_BUCKET", &*self.to_erasures),
            ("LOG_FORMAT", "pretty"),
            ("METRICS_ENABLED", "false"),
        ]);
        let status = command::run(function.env("SQLX_OFFLINE", "true"), &project.interrupt)?;
        if !status.success() {
            bail!("the copy failed; the reason is above");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Services {
    /// Returns the environment of the function.
    fn environment(&self, project: &Project) -> Result<Variables> {
        let tools = project.tools(ToolSet::Services)?.postgres("pg_dump")?;
        let folder = tools.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        let mut variables = environment::aws(self.aws_port);
        variables.extend([
            ("DATABASE_URL", self.database.url(project)?),
            ("POSTGRES_BIN", folder),
            ("LOG_FORMAT", "pretty".to_owned()),
            ("LOG_LEVEL", environment::log_level()?.to_owned()),
            ("METRICS_ENABLED", "false".to_owned()),
        ]);
        Ok(variables)
    }
}

/// Returns the command that runs the function `name` with `event`.
fn function(project: &Project, name: &str, event: &Value) -> Command {
    project.cargo(&["run", "--quiet", "--bin", name, "--", &event.to_string()])
}

/// Runs the function `name` with `event`, as its schedule or an operator does in AWS.
fn run(project: &Project, services: &Services, name: &str, event: &Value) -> Result<ExitCode> {
    let mut function = function(project, name, event);
    set_variables(&mut function, &services.environment(project)?);
    let status = command::run(function.env("SQLX_OFFLINE", "true"), &project.interrupt)?;
    if !status.success() {
        bail!("`{name}` failed; the reason is above. Is `cargo xtask dev` running?");
    }
    Ok(ExitCode::SUCCESS)
}
