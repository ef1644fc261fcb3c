//! Amazon RDS: one question about a cluster.

use anyhow::Context;
use chrono::{DateTime, Utc};

use super::query::{Service, element};

const RDS: Service = Service { name: "RDS", id: "rds", version: "2014-10-31" };

/// Returns the newest time to which the cluster `id` can be restored (`LatestRestorableTime` of `DescribeDBClusters`).
pub async fn latest_restorable_time(id: &str, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let answer = RDS.ask("DescribeDBClusters", &[("DBClusterIdentifier", id)], now).await?;
    let time = element(&answer, "LatestRestorableTime").with_context(|| {
        format!("the cluster {id} has no LatestRestorableTime: it cannot be restored to a point in time")
    })?;
    time.parse().with_context(|| format!("LatestRestorableTime of {id} is not a time"))
}
