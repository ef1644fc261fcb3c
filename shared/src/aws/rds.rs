//! Amazon RDS: one question about a database.

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::query::{Service, element};

const RDS: Service = Service { name: "RDS", id: "rds", version: "2014-10-31" };

/// What RDS calls a database.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Of Aurora.
    Cluster,
    /// Of RDS for PostgreSQL.
    Instance,
}

/// Returns the newest time to which the database `id` can be restored (`LatestRestorableTime`).
pub async fn latest_restorable_time(
    kind: Kind,
    id: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<DateTime<Utc>> {
    let (action, name) = match kind {
        Kind::Cluster => ("DescribeDBClusters", "DBClusterIdentifier"),
        Kind::Instance => ("DescribeDBInstances", "DBInstanceIdentifier"),
    };
    let answer = RDS.ask(action, &[(name, id)], now).await?;
    let time = element(&answer, "LatestRestorableTime").with_context(|| {
        format!("the database {id} has no LatestRestorableTime: it cannot be restored to a point in time")
    })?;
    time.parse().with_context(|| format!("LatestRestorableTime of {id} is not a time"))
}
