//! Stand-ins for the AWS services S3, KMS, Secrets Manager, SES and SQS.

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
    process::StopSignal,
    queues::{self, QUEUES},
    wait::{self, Probe},
};

/// The sender of every mail.
pub const SENDER: &str = "no-reply@arches.local";
/// The bucket of the backups.
pub const BACKUPS: &str = "arches-local-backups";
/// The bucket of the erasure ledger.
pub const ERASURES: &str = "arches-local-erasures";
/// The bucket of the artifacts.
pub const ARTIFACTS: &str = "arches-local-artifacts";
/// The alias of the KMS key that authenticates the backups.
pub const MAC_KEY: &str = "alias/arches-local-backups";
/// The SES configuration set of every mail.
pub const MAIL_CONFIGURATION: &str = "arches-local";
/// The region of the stand-ins.
pub const REGION: &str = "us-east-1";

const SERVER: &str = include_str!("../aws.py");
const READY_TIMEOUT: Duration = Duration::from_mins(1);

/// The settings of the stand-ins, and the secrets they hold.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder for the secrets' values, the mail and the log.
    pub dir: PathBuf,
    /// The port on the loopback address.
    pub port: u16,
    /// The database URL of the API functions.
    pub database_url: String,
    /// The database URL of the owner.
    pub database_owner_url: String,
    /// The database URL of `retention`.
    pub database_retention_url: String,
    /// The database URL of `backup`.
    pub database_backup_url: String,
    pub redis_url: String,
    /// The origins of pages that may upload and download artifacts.
    pub origins: Vec<String>,
}

/// The running stand-ins.
#[derive(Debug)]
pub struct Aws {
    service: Service,
    arns: BTreeMap<String, String>,
}

impl Aws {
    /// Starts them and waits until the buckets and secrets exist.
    pub fn start(tools: &Tools, settings: &Settings, interrupt: &Interrupt) -> Result<Self> {
        let request = json!({
            "directory": settings.dir,
            "port": settings.port,
            "region": REGION,
            "buckets": [BACKUPS, ERASURES, ARTIFACTS],
            "uploads": { "bucket": ARTIFACTS, "prefix": "uploads/", "queue": queues::EXTRACT, "origins": settings.origins },
            "macKey": MAC_KEY,
            "senders": [SENDER, "arches.local"],
            "mailConfiguration": MAIL_CONFIGURATION,
            "queues": QUEUES.map(|queue| json!({ "name": queue.name, "receives": queue.receives })),
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
        // Lets Python keep compiled modules: the next start takes half the time.
        command.arg(&script).env_remove("PYTHONDONTWRITEBYTECODE").env_remove("PYTHONPATH");
        let mut service = Service::spawn_piped("aws", &mut command, &settings.dir, StopSignal::Terminate)?;
        let (mut stdin, stdout) = service.pipes()?;
        stdin.write_all(request.to_string().as_bytes()).context("write the settings of the AWS stand-ins")?;
        drop(stdin);

        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let line =
            wait::until("AWS stand-ins: server", READY_TIMEOUT, interrupt, || match receiver.try_recv() {
                Ok(line) => Ok(Probe::Ready(line)),
                Err(TryRecvError::Empty) => Ok(Probe::NotYet(String::from("no answer"))),
                Err(TryRecvError::Disconnected) => {
                    service.check()?;
                    bail!("AWS stand-ins: the server closed its output")
                }
            })?;
        let arns = serde_json::from_str(&line).with_context(|| format!("parse {line:?}"))?;
        Ok(Self { service, arns })
    }

    /// Returns the ARN of the secret `arches/local/<name>`.
    pub fn arn(&self, name: &str) -> Result<&str> {
        self.arns.get(name).map(String::as_str).with_context(|| format!("there is no secret {name}"))
    }

    /// Fails with the end of the log if the process has exited.
    pub fn check(&mut self) -> Result<()> {
        self.service.check()
    }
}

/// Returns the endpoint of all services.
#[must_use]
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Returns the folder of the sent mails: one JSON file each, with names that sort by time.
#[must_use]
pub fn mailbox(dir: &Path) -> PathBuf {
    dir.join("mail")
}
