//! Every day: deletes expired rows, as the register of personal data says, purges organizations that were deleted 30 days ago, erases
//! users who were deleted 30 days ago or have not verified their address within 30 days, encrypts seeds of authenticator apps with the
//! current key, and confirms entries of the ledger of erasures. Every two minutes: brings artifacts and answers of language models to their final state, and deletes objects that are due.

mod conversations;
mod files;
mod ledger;
mod one_by_one;
mod organizations;
mod report;
mod rows;
mod seeds;
mod sweeper;
mod totals;
mod users;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    aws::{s3::Bucket, secrets::Secrets},
    config::{Config, ConfigError, Prices},
    crypto::seal::Sealer,
    db::Db,
    domain::{
        clock::{Clock, SystemClock},
        ids::{ArtifactId, OrganizationId},
        personal_data::TABLES,
    },
    lambda::job::Job,
    store::retention as past,
};
use tokio::time::{Duration, Instant};

pub use files::{FilesChecked, check_files};
pub use ledger::Checked;
pub use report::{Cleaned, Report};
use sweeper::Ingestion;
pub use sweeper::{Swept, sweep};
use users::Group;

/// Printed for unknown arguments.
pub const USAGE: &str = "usage: retention ['{\"dryRun\": true}' | '{\"task\": \"artifacts\" | \"artifact-files\" | \"reindex\"}']

DATABASE_URL names the database, as a member of the role arches_retention; ERASURE_BUCKET the ledger of erasures; ARTIFACT_BUCKET,
EXTRACT_QUEUE_URL and INDEX_QUEUE_URL the files of artifacts and the queues of their ingestion; ENCRYPTION_KEY the keys of the seeds of
authenticator apps.";
/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &[
    "DATABASE_URL",
    "ENCRYPTION_KEY",
    "ERASURE_BUCKET",
    "ARTIFACT_BUCKET",
    "EXTRACT_QUEUE_URL",
    "INDEX_QUEUE_URL",
];

/// Time kept at the end of the run: for the longest transaction (10 s), and for the report.
pub const RESERVE: Duration = Duration::from_secs(15);

/// A conversation has up to 400 messages, which are removed with it.
const CONVERSATIONS_OF_A_BATCH: i64 = 100;

/// The event: `{}`, `{"dryRun": true}` or `{"task": "artifacts"}`.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Counts, and changes nothing. Only of the tasks `expired-data` and `artifact-files`.
    pub dry_run: bool,
    pub task: Task,
    /// Of the task `artifact-files`: `last` of the result of the last run, which was not complete.
    pub after: Option<(OrganizationId, ArtifactId)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    #[default]
    ExpiredData,
    /// [`sweep`]
    Artifacts,
    /// [`check_files`]
    ArtifactFiles,
    /// Lets `index` give ready artifacts vectors of another model.
    Reindex,
}

/// The result of one of the tasks.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    ExpiredData(Report),
    Artifacts(Swept),
    ArtifactFiles(FilesChecked),
    Reindex(Sent),
}

/// The result of the task `reindex`.
#[derive(Debug, Serialize)]
pub struct Sent {
    /// Whether `index` has got the message. Its log says how far it is.
    pub sent: bool,
}

/// Created once in `main`.
pub struct State {
    db: Db,
    sealer: Sealer,
    ledger: Bucket,
    ingestion: Ingestion,
    /// A conversation is removed so long after its last message.
    chat_retention: Duration,
    prices: Prices,
    clock: Arc<dyn Clock>,
}

impl State {
    #[must_use]
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let secrets = Secrets::new(config.keys.max_age, Arc::clone(&clock));
        let db = Db::new(config.database.clone(), secrets.clone(), None, Arc::clone(&clock));
        Self {
            db,
            sealer: Sealer::new(secrets, config.keys.encryption_key.clone()),
            ledger: Bucket::new(&config.storage.erasures, ""),
            ingestion: Ingestion::new(config),
            chat_retention: config.models.chat_retention,
            prices: config.models.prices.clone(),
            clock,
        }
    }
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    Ok(State::new(&Config::from_env(REQUIRED)?, Arc::new(SystemClock)))
}

/// One run.
struct Run<'a> {
    state: &'a State,
    job: &'a Job,
    dry: bool,
    now: DateTime<Utc>,
}

impl Run<'_> {
    /// Returns whether there is time for one more transaction.
    fn has_time(&self) -> bool {
        !self.job.deadline.is_reached(RESERVE)
    }

    /// Returns the time at or before which a row of `table` must have ended to be removed.
    fn until(&self, table: &'static str) -> anyhow::Result<DateTime<Utc>> {
        if table == "conversations" {
            return Ok(self.now - self.state.chat_retention);
        }
        let registered = TABLES.iter().find(|registered| registered.name == table);
        let period = registered.and_then(|table| table.retention.period());
        let period = period.ok_or_else(|| anyhow::anyhow!("the register has no period for {table}"))?;
        Ok(self.now - period)
    }
}

/// Cleans a table with the queries of its name in `store::retention`. How long its rows stay is in the register of personal data;
/// a test compares the tables.
macro_rules! clean {
    ($run:expr, $table:ident) => {
        clean!($run, $table, rows::BATCH_ROWS)
    };
    ($run:expr, $table:ident, $batch:expr) => {
        rows::clean($run, stringify!($table), $batch, past::$table::find, past::$table::remove).await?
    };
}

/// Runs the task of `request`.
pub async fn handle(state: &State, request: Request, job: &Job) -> anyhow::Result<Outcome> {
    let can_be_dry = matches!(request.task, Task::ExpiredData | Task::ArtifactFiles);
    anyhow::ensure!(can_be_dry || !request.dry_run, "invalid event: this task has no dry run");
    let has_after = request.task == Task::ArtifactFiles;
    anyhow::ensure!(has_after || request.after.is_none(), "invalid event: this task has no after");
    match request.task {
        Task::ExpiredData => Ok(Outcome::ExpiredData(Box::pin(run(state, request, job)).await?)),
        Task::Artifacts => Ok(Outcome::Artifacts(Box::pin(sweep(state, job)).await?)),
        Task::ArtifactFiles => {
            let check = Box::pin(check_files(state, request.dry_run, request.after, job));
            Ok(Outcome::ArtifactFiles(check.await?))
        }
        Task::Reindex => {
            state.ingestion.reindex().await?;
            Ok(Outcome::Reindex(Sent { sent: true }))
        }
    }
}

/// Deletes expired rows, table by table, until the deadline is near. The next run continues there.
///
/// Users come last: their erasure deletes rows that the counts of the other tables would otherwise miss. A failure with some
/// organizations or users does not stop the others, but fails the run at its end.
pub async fn run(state: &State, request: Request, job: &Job) -> anyhow::Result<Report> {
    let started = Instant::now();
    let run = Run { state, job, dry: request.dry_run, now: state.clock.now() };
    let seeds = seeds::reseal_all(&run).await;
    let mut tables = vec![
        clean!(&run, sessions),
        clean!(&run, verification_tokens),
        clean!(&run, sign_in_challenges),
        clean!(&run, oauth_flows),
        clean!(&run, passkey_ceremonies),
        clean!(&run, invitations),
        clean!(&run, idempotency_records),
        clean!(&run, mail_suppressions),
        clean!(&run, audit_events),
        clean!(&run, artifacts),
        clean!(&run, conversations, CONVERSATIONS_OF_A_BATCH),
    ];
    let organizations = organizations::purge(&run).await;
    let deleted = users::erase(&run, Group::Deleted).await;
    let never_verified = users::erase(&run, Group::NeverVerified).await;
    tables.extend([organizations?, deleted?, never_verified?]);
    let ledger = ledger::check(&run).await?;
    let wrong_totals = totals::check(&run).await?;
    let report = Report::new(run.dry, tables, ledger, wrong_totals, seeds?, started.elapsed());
    report.record();
    Ok(report)
}
