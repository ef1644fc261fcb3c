//! Measures every five minutes how much data a loss of the database would cost: the newest time that RDS can restore, and the
//! ages of the newest backups.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use metrics::histogram;
use serde::{Deserialize, Serialize};
use shared::{
    aws::{
        rds::{self, Kind},
        s3::Bucket,
    },
    backup::Catalogue,
    config::{Config, ConfigError},
    domain::clock::{Clock, SystemClock},
    lambda::job::Job,
};

/// Printed for unknown arguments.
pub const USAGE: &str = "usage: recovery-points ['{}']

DATABASE_CLUSTER_ID names the cluster or, with DATABASE_ENGINE=postgres, the instance; BACKUP_BUCKET the bucket of the backups.";
/// The settings without which this function does not start.
pub const REQUIRED: &[&str] = &["DATABASE_CLUSTER_ID", "BACKUP_BUCKET"];

/// The event. It has no fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {}

/// The result of a run. A time is `None` without a backup.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The newest time to which the database can be restored.
    pub latest_restorable: DateTime<Utc>,
    /// The beginning of the newest backup.
    pub newest_backup: Option<DateTime<Utc>>,
    /// The beginning of the newest backup that was restored.
    pub newest_verified_backup: Option<DateTime<Utc>>,
}

/// Created once in `main`.
pub struct State {
    kind: Kind,
    database: String,
    bucket: Bucket,
    clock: Arc<dyn Clock>,
}

/// Reads the settings.
pub fn make() -> Result<State, ConfigError> {
    let config = Config::from_env(REQUIRED)?;
    Ok(State {
        bucket: Bucket::new(&config.storage.backups, &config.storage.backup_key),
        kind: if config.storage.engine == "postgres" { Kind::Instance } else { Kind::Cluster },
        database: config.storage.cluster,
        clock: Arc::new(SystemClock),
    })
}

/// Records the ages. What can be measured is recorded, also if the other measurement fails.
pub async fn run(state: &State, _: Request, _: &Job) -> anyhow::Result<Report> {
    let now = state.clock.now();
    let restorable = rds::latest_restorable_time(state.kind, &state.database, now);
    let (restorable, backups) = tokio::join!(restorable, Catalogue::read(&state.bucket));
    if let Ok(time) = &restorable {
        #[expect(clippy::cast_precision_loss, reason = "seconds of an age")]
        let age = (now - *time).num_seconds() as f64;
        histogram!("LatestRestorableAge").record(age);
    }
    let backups = backups.inspect(|backups| backups.measure(now));
    let (latest_restorable, backups) = (restorable?, backups?);
    Ok(Report {
        latest_restorable,
        newest_backup: backups.newest().map(|backup| backup.begun_at),
        newest_verified_backup: backups.newest_verified().map(|backup| backup.begun_at),
    })
}
