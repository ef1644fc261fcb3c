//! Stand-ins for the services of AWS: S3, Secrets Manager and SES.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, TryRecvError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{
    Interrupt, Service, Tools,
    process::Ending,
    wait::{self, Look},
};

/// The sender of every mail.
pub const SENDER: &str = "no-reply@arches.local";
/// The bucket of the backups.
pub const BACKUPS: &str = "arches-local-backups";
/// The bucket of the ledger of erasures.
pub const ERASURES: &str = "arches-local-erasures";
/// Where everything is said to be.
pub const REGION: &str = "us-east-1";

const SERVER: &str = include_str!("../aws.py");
const READY_WITHIN: Duration = Duration::from_mins(1);

/// What the stand-ins are to hold.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for the secrets' values, the mail and the log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// The database as the functions reach it.
    pub database_url: String,
    /// The database as its owner reaches it.
    pub database_owner_url: String,
    /// The database as `retention` reaches it.
    pub database_retention_url: String,
    /// The database as `backup` reaches it.
    pub database_backup_url: String,
    /// Redis.
    pub redis_url: String,
}

/// The running stand-ins.
#[derive(Debug)]
pub struct Aws {
    service: Service,
    arns: BTreeMap<String, String>,
}

impl Aws {
    /// Starts them and waits until all that the functions expect is there.
    pub fn start(tools: &Tools, settings: &Settings, interrupt: &Interrupt) -> Result<Self> {
        let request = json!({
            "directory": settings.dir,
            "port": settings.port,
            "region": REGION,
            "buckets": [BACKUPS, ERASURES],
            "senders": [SENDER, "arches.local"],
            "prefix": "arches/local",
            "databaseUrl": settings.database_url,
            "databaseOwnerUrl": settings.database_owner_url,
            "databaseRetentionUrl": settings.database_retention_url,
            "databaseBackupUrl": settings.database_backup_url,
            "redisUrl": settings.redis_url,
        });
        fs::create_dir_all(&settings.dir).with_context(|| format!("create {}", settings.dir.display()))?;
        let script = settings.dir.join("aws.py");
        fs::write(&script, SERVER).with_context(|| format!("write {}", script.display()))?;
        let mut command = Command::new(tools.program("python"));
        // Compiled modules halve the time of the next start.
        command.arg(&script).env_remove("PYTHONDONTWRITEBYTECODE").env_remove("PYTHONPATH");
        let mut service = Service::spawn_piped("aws", &mut command, &settings.dir, Ending::Terminate)?;
        let (mut stdin, stdout) = service.pipes()?;
        stdin.write_all(request.to_string().as_bytes()).context("tell the AWS stand-ins their settings")?;
        drop(stdin);

        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let line = wait::until("The AWS stand-ins", READY_WITHIN, interrupt, || match receiver.try_recv() {
            Ok(line) => Ok(Look::Ready(line)),
            Err(TryRecvError::Empty) => Ok(Look::NotYet(String::from("no answer"))),
            Err(TryRecvError::Disconnected) => {
                service.check()?;
                bail!("The AWS stand-ins closed their output")
            }
        })?;
        let arns = serde_json::from_str(&line).with_context(|| format!("understand {line:?}"))?;
        Ok(Self { service, arns })
    }

    /// The ARN of the secret `arches/local/<name>`.
    pub fn arn(&self, name: &str) -> Result<&str> {
        self.arns.get(name).map(String::as_str).with_context(|| format!("there is no secret {name}"))
    }

    /// Fails with the end of the log if the process has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.service.check()
    }
}

/// The endpoint of all services, at `port`.
#[must_use]
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// The folder of the mails that were sent, a JSON file each, with names that sort by time.
#[must_use]
pub fn mailbox(dir: &Path) -> PathBuf {
    dir.join("mail")
}
