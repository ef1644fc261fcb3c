//! `cargo xtask import-users`

use std::{
    path::{Path, PathBuf, absolute},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use local_stack::{
    command,
    environment::{self, set_variables},
};

use crate::{database::Database, project::Project};

/// Import the users of another system into the local one, with their passwords
///
/// `cargo xtask dev` must be running. The result is JSON: what was imported, and every record that was refused. A second import of the same file
/// changes nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  cargo xtask import-users users.ndjson --from auth0 --dry-run\n\nThe formats: docs/import-users.md"
)]
pub struct Arguments {
    /// The exported file
    file: PathBuf,
    /// The system that exported it
    #[arg(long, value_name = "SYSTEM", value_parser = ["auth0", "supabase", "keycloak", "clerk", "firebase"])]
    from: String,
    /// Change nothing, and say what an import would do
    #[arg(long)]
    dry_run: bool,
    /// File with the parameters of Firebase's hashes, as its console shows them
    #[arg(long, value_name = "FILE")]
    hash_config: Option<PathBuf>,
    /// Import users whose hash cannot be used without a password
    #[arg(long)]
    drop_unusable_passwords: bool,
    /// Port of the AWS stand-ins of `cargo xtask dev`
    #[arg(long, env = "AWS_PORT", default_value_t = 9004, value_name = "PORT")]
    aws_port: u16,
    #[command(flatten)]
    database: Database,
}

/// Runs `migrate import-users`, as an operator does in AWS.
pub fn run(project: &Project, arguments: &Arguments) -> Result<ExitCode> {
    let mut event = vec!["import-users".to_owned(), text(&arguments.file)?];
    event.extend(["--from".to_owned(), arguments.from.clone()]);
    if arguments.dry_run {
        event.push("--dry-run".to_owned());
    }
    if let Some(file) = &arguments.hash_config {
        event.extend(["--hash-config".to_owned(), text(file)?]);
    }
    if arguments.drop_unusable_passwords {
        event.push("--drop-unusable-passwords".to_owned());
    }
    let mut words = vec!["run", "--quiet", "--bin", "migrate", "--"];
    words.extend(event.iter().map(String::as_str));
    let mut migrate = project.cargo(&words);
    set_variables(&mut migrate, &environment::aws(arguments.aws_port));
    migrate.env("DATABASE_URL", arguments.database.url(project)?).env("SQLX_OFFLINE", "true");
    migrate.env("LOG_FORMAT", "pretty").env("LOG_LEVEL", environment::log_level()?);
    if !command::run(&mut migrate, &project.interrupt)?.success() {
        bail!("Not all users were imported; the reason is above. Is `cargo xtask dev` running?");
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the absolute path, because cargo may run the program in another folder.
fn text(path: &Path) -> Result<String> {
    let path = absolute(path)?;
    path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
}
