//! `recovery-points` measures what a loss of the database would cost. moto has no `LatestRestorableTime`, so a stand-in answers for RDS.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use harness::{Database, runtime_api::Function};
use serde_json::{Value, json};
use shared::domain::clock::{Clock, SystemClock};
use tokio::net::TcpListener;

use crate::backup_store::{BackupStore, JOB_TIMEOUT};

/// The stand-in: its next answer, and the requests that it got.
#[derive(Clone, Default)]
struct Rds {
    answer: Arc<Mutex<(StatusCode, String)>>,
    asked: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Rds {
    async fn start() -> (Self, String) {
        let rds = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answer = async |State(rds): State<Self>, headers: HeaderMap, body: String| {
            rds.asked.lock().expect("a lock").push((headers, body));
            rds.answer.lock().expect("a lock").clone()
        };
        let router = Router::new().fallback(answer).with_state(rds.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the stand-in serves") });
        (rds, url)
    }

    fn answers(&self, status: u16, body: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        *self.answer.lock().expect("a lock") = (status, body.to_owned());
    }

    /// Answers with a cluster that can be restored to `time`, as RDS does (API Reference, `DescribeDBClusters`).
    fn restorable(&self, time: DateTime<Utc>) {
        let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        self.answers(
            200,
            &format!(
                "<DescribeDBClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBClustersResult>
                   <DBClusters><DBCluster><DBClusterIdentifier>arches-dev</DBClusterIdentifier>
                   <EarliestRestorableTime>2026-01-01T00:00:00.000Z</EarliestRestorableTime>
                   <LatestRestorableTime>{time}</LatestRestorableTime></DBCluster></DBClusters>
                 </DescribeDBClustersResult></DescribeDBClustersResponse>"
            ),
        );
    }
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

fn environment(store: &BackupStore, database: &Database, rds: &str) -> HashMap<String, String> {
    let mut environment = store.environment(database.owner_url());
    environment.remove("DATABASE_URL");
    environment.insert("DATABASE_CLUSTER_ID".to_owned(), "arches-dev".to_owned());
    environment.insert("AWS_ENDPOINT_URL_RDS".to_owned(), rds.to_owned());
    environment
}

fn metric(function: &Function, name: &str) -> Option<f64> {
    let log = function.log();
    let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line[name][0].as_f64()).next_back()
}

#[tokio::test]
async fn recovery_point_of_the_cluster_and_ages_of_the_backups_are_measured() {
    let (database, (rds, url)) = (Database::create().await, Rds::start().await);
    let store = BackupStore::new(&database).await;
    let job = Function::start("recovery-points", environment(&store, &database, &url)).await;
    let restorable = now() - TimeDelta::minutes(40);
    rds.restorable(restorable);

    let report = job.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a report");
    job.log_line(|line| line.contains("\"LatestRestorableAge\":")).await;
    let age = metric(&job, "LatestRestorableAge").expect("an age");
    assert!((2_400.0..2_460.0).contains(&age), "{age}");
    assert_eq!((&report["newestBackup"], &report["newestVerifiedBackup"]), (&Value::Null, &Value::Null));
    assert_eq!(metric(&job, "LastBackupAge"), None, "there is no backup");
    let (headers, body) = rds.asked.lock().expect("a lock")[0].clone();
    assert_eq!(body, "Action=DescribeDBClusters&DBClusterIdentifier=arches-dev&Version=2014-10-31");
    let signature = headers["authorization"].to_str().expect("text");
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=") && signature.contains("/rds/aws4_request"));

    let [verified, newest] = ["2025-01-01T00-00-00.000Z-00000000", "2025-01-02T00-00-00.000Z-00000000"];
    for key in ["dump.zst", "manifest.json", "manifest.mac", "verified.json"] {
        store.write(&format!("{verified}/{key}"), b"{}".to_vec()).await;
        if key != "verified.json" {
            store.write(&format!("{newest}/{key}"), b"{}".to_vec()).await;
        }
    }
    let report = job.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a report");
    assert_eq!(report["newestBackup"], "2025-01-02T00:00:00Z");
    assert_eq!(report["newestVerifiedBackup"], "2025-01-01T00:00:00Z");
    job.log_line(|line| line.contains("\"LastVerifiedBackupAge\":")).await;
    let (backup, verified) = (metric(&job, "LastBackupAge"), metric(&job, "LastVerifiedBackupAge"));
    assert!(backup.zip(verified).is_some_and(|(backup, verified)| verified - backup >= 86_399.0));
}

#[tokio::test]
async fn recovery_point_of_an_instance_is_measured() {
    let (database, (rds, url)) = (Database::create().await, Rds::start().await);
    let store = BackupStore::new(&database).await;
    let mut environment = environment(&store, &database, &url);
    environment.insert("DATABASE_ENGINE".to_owned(), "postgres".to_owned());
    let job = Function::start("recovery-points", environment).await;
    let restorable = "2026-01-02T03:04:05Z";
    // As RDS answers (API Reference, `DescribeDBInstances`).
    rds.answers(
        200,
        &format!(
            "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBInstancesResult>
               <DBInstances><DBInstance><DBInstanceIdentifier>arches-dev</DBInstanceIdentifier>
               <LatestRestorableTime>{restorable}</LatestRestorableTime></DBInstance></DBInstances>
             </DescribeDBInstancesResult></DescribeDBInstancesResponse>"
        ),
    );
    let report = job.invoke_within(JOB_TIMEOUT, json!({})).await.expect("a report");
    assert_eq!(report["latestRestorable"], restorable);
    let (_, body) = rds.asked.lock().expect("a lock")[0].clone();
    assert_eq!(body, "Action=DescribeDBInstances&DBInstanceIdentifier=arches-dev&Version=2014-10-31");
}

#[tokio::test]
async fn one_measurement_does_not_need_the_other() {
    let (database, (rds, url)) = (Database::create().await, Rds::start().await);
    let store = BackupStore::new(&database).await;
    for key in ["dump.zst", "manifest.json", "manifest.mac"] {
        store.write(&format!("2025-01-02T00-00-00.000Z-00000000/{key}"), b"{}".to_vec()).await;
    }
    let job = Function::start("recovery-points", environment(&store, &database, &url)).await;
    let code = "<ErrorResponse><Error><Code>DBClusterNotFoundFault</Code></Error></ErrorResponse>";
    for (status, answer, reason) in [
        (404, code, "RDS answered 404: DBClusterNotFoundFault"),
        (500, "", "rds unavailable"),
        (200, "<DBCluster></DBCluster>", "it cannot be restored to a point in time"),
        (200, "<LatestRestorableTime>soon</LatestRestorableTime>", "is not a time"),
    ] {
        rds.answers(status, answer);
        let error = job.invoke_within(JOB_TIMEOUT, json!({})).await.expect_err("not measured");
        let message = error["errorMessage"].as_str().expect("a reason");
        assert!(message.contains(reason), "{message}");
    }
    job.log_line(|line| line.contains("\"LastBackupAge\":")).await;
    assert_eq!(metric(&job, "LatestRestorableAge"), None);

    let mut environment = environment(&store, &database, &url);
    environment.insert("BACKUP_BUCKET".to_owned(), "no-such-bucket".to_owned());
    let job = Function::start("recovery-points", environment).await;
    rds.restorable(now());
    job.invoke_within(JOB_TIMEOUT, json!({})).await.expect_err("no bucket");
    job.log_line(|line| line.contains("\"LatestRestorableAge\":")).await;
}

#[tokio::test]
async fn rds_that_does_not_answer_fails_the_run_in_time() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let job = Function::start("recovery-points", environment(&store, &database, &url)).await;
    let error = job.invoke_within(Duration::from_secs(20), json!({})).await.expect_err("no answer");
    assert!(
        error["errorMessage"].as_str().is_some_and(|reason| reason.contains("rds unavailable")),
        "{error}"
    );
}
