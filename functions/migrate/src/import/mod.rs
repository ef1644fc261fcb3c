//! Imports the users of another system, with the hashes of their passwords ([docs/import-users.md](../../../../docs/import-users.md)).
//!
//! Safe to run again, and concurrently: who is there already stays as they are.

mod batch;
mod id;
mod json;
mod provider;
mod records;
mod report;
mod source;
mod table;

use std::{collections::HashSet, path::Path, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::{
    accounts::erasure_ledger::Ledger,
    aws::s3::Bucket,
    config::Config,
    domain::{
        clock::{Clock, SystemClock},
        ids::UserId,
    },
    lambda::job::Job,
};
use sqlx::PgConnection;

use batch::Batch;
use provider::{Context as Settings, Found, firebase::HashConfig, read};
use records::{Reader, Record};
use report::Refused;
use source::Source;

pub use provider::Provider;
pub use report::{Refusal, Report, Skipped};

/// An import stops when only this much of its time is left.
const RESERVE: Duration = Duration::from_secs(30);
/// Records between two lines in the log.
const PROGRESS: u64 = 10_000;

/// What to import.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Import {
    /// The system that exported the file.
    pub from: Provider,
    /// The key of the file in the bucket of the artifacts; on a command line its path.
    pub file: String,
    /// Change nothing, and say what an import would do.
    #[serde(default)]
    pub dry_run: bool,
    /// The key or the path of the file with Firebase's parameters of hashes.
    #[serde(default)]
    pub hash_config: Option<String>,
    /// Import users whose hash cannot be used without a password, instead of refusing them.
    #[serde(default)]
    pub drop_unusable_passwords: bool,
    /// The files are on this machine. An event cannot say so.
    #[serde(skip)]
    pub is_local: bool,
}

impl Import {
    /// Parses the arguments of a command line: `<file> --from <system> [--dry-run] …`.
    #[must_use]
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let (mut file, mut from, mut hash_config) = (None, None, None);
        let (mut dry_run, mut drop_unusable_passwords) = (false, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--from" => from = Some(Provider::parse(rest.next()?)?),
                "--hash-config" => hash_config = Some((*rest.next()?).to_owned()),
                "--dry-run" => dry_run = true,
                "--drop-unusable-passwords" => drop_unusable_passwords = true,
                option if option.starts_with('-') || file.is_some() => return None,
                path => file = Some(path.to_owned()),
            }
        }
        let (file, from) = (file?, from?);
        Some(Self { from, file, dry_run, hash_config, drop_unusable_passwords, is_local: true })
    }

    /// Opens a file of this import.
    async fn open(&self, name: &str, config: &Config) -> anyhow::Result<Source> {
        if self.is_local {
            return Source::file(Path::new(name));
        }
        anyhow::ensure!(!config.storage.artifacts.is_empty(), "ARTIFACT_BUCKET is not set");
        anyhow::ensure!(name.starts_with("imports/"), "the key of a file to import begins with imports/");
        Source::object(Bucket::new(&config.storage.artifacts, ""), name).await
    }

    /// Reads what the records do not say themselves.
    async fn settings(&self, config: &Config, now: DateTime<Utc>) -> anyhow::Result<Settings> {
        let hash_config = match &self.hash_config {
            Some(name) => {
                let text = self.open(name, config).await?.small_text().await?;
                Some(HashConfig::parse(&text).context("the parameters of the hashes")?)
            }
            None => None,
        };
        anyhow::ensure!(
            self.from != Provider::Firebase || hash_config.is_some() || self.drop_unusable_passwords,
            "Firebase's hashes need the parameters of the project; see docs/import-users.md"
        );
        Ok(Settings { now, hash_config })
    }
}

/// Imports the users in the file. Every record that cannot be imported is in the report, and changes nothing.
pub async fn run(
    connection: &mut PgConnection,
    import: &Import,
    config: &Config,
    job: &Job,
) -> anyhow::Result<Report> {
    let settings = import.settings(config, SystemClock.now()).await?;
    let mut source = import.open(&import.file, config).await?;
    let request_id = if job.id.is_empty() { "migrate" } else { &job.id };
    let erased = erased_users(config).await?;
    let mut batch = Batch::new(connection, erased, import.dry_run, request_id);
    let mut reader = Reader::new(import.from.has_users_member());
    let mut at_end = false;
    while !at_end && !job.deadline.is_reached(RESERVE) {
        if let Some(bytes) = source.next_piece().await? {
            reader.push(&bytes);
        } else {
            reader.end();
            at_end = true;
        }
        while let Some(record) = reader.next_record()? {
            take(&mut batch, import, &settings, record).await?;
        }
    }
    let report = batch.finish(at_end && !reader.is_lost()).await?;
    tracing::info!(
        dry_run = report.dry_run,
        finished = report.finished,
        records = report.records,
        imported = report.imported,
        refused = report.refused,
        "users imported"
    );
    Ok(report)
}

/// Adds the user of a record to the batch, or refuses the record.
async fn take(
    batch: &mut Batch<'_>,
    import: &Import,
    settings: &Settings,
    record: Record,
) -> anyhow::Result<()> {
    let report = &mut batch.report;
    report.records += 1;
    if report.records.is_multiple_of(PROGRESS) {
        tracing::info!(records = report.records, imported = report.imported, "import in progress");
    }
    let found = record.fields.map(|fields| read(import.from, &fields, settings));
    match found {
        Ok(Found::Skipped(reason)) => report.skip(reason),
        Ok(Found::User(mut user)) => {
            if let Err(unusable) = user.hash {
                if !import.drop_unusable_passwords {
                    report.refuse(record.number, record.line, Refused::Hash(unusable));
                    return Ok(());
                }
                report.dropped_passwords += 1;
                user.hash = Ok(None);
            }
            match user.checked(import.from) {
                Ok(user) => batch.add(user).await?,
                Err(reason) => report.refuse(record.number, record.line, reason),
            }
        }
        Ok(Found::Refused(reason)) | Err(reason) => report.refuse(record.number, record.line, reason),
    }
    Ok(())
}

/// Returns the users whose erasures are in the ledger. After the restore of an older backup the database may not know them.
async fn erased_users(config: &Config) -> anyhow::Result<HashSet<UserId>> {
    if config.storage.erasures.is_empty() {
        return Ok(HashSet::new());
    }
    let bucket = Bucket::new(&config.storage.erasures, "");
    let ledger = Ledger::read(&bucket).await.context("the ledger of erasures cannot be read")?;
    let entries = ledger.since(DateTime::UNIX_EPOCH).await?;
    Ok(entries.into_iter().flat_map(|(_, _, entry)| entry.users).collect())
}

#[cfg(test)]
mod tests;
