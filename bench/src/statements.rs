//! Statements without HTTP: new connections through TLS, rows read with and without the pipeline, and a hundred thousand answers that
//! must not be mixed up.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::{Database, TestApp, TlsProxy, service};
use shared::db::{Db, Tx};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::task::JoinSet;

use crate::{
    report::{Report, Target},
    world::{World, millis},
};

const CLIENTS: i64 = 24;
const STATEMENTS: i64 = 100_000;
/// Connections of the pooler to the server while the clients run.
const SERVER_CONNECTIONS: u16 = 3;
/// Statements whose median is one measurement.
const SAMPLES: usize = 50;

/// Reads `number` from the database, in one statement.
async fn echo(db: &Db, number: i64) -> Result<i64> {
    let read =
        async |tx: &mut Tx| Ok(sqlx::query_scalar("SELECT $1::int8").bind(number).fetch_one(tx).await?);
    db.read(read).await.map_err(|error| anyhow::anyhow!("{error:?}"))
}

/// Measures new connections and reads, then checks the answers of all clients.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    let app = TestApp::on(Database::create().await, &[]);
    let pooler: PgConnectOptions = app.database.pooler_url().parse()?;
    let proxy = TlsProxy::to(pooler.get_port()).await;
    let encrypted = app
        .database
        .pooler_url()
        .replace(&format!("127.0.0.1:{}", pooler.get_port()), &format!("localhost:{}", proxy.port));
    let encrypted = format!("{encrypted}?sslmode=verify-full&sslrootcert={}", proxy.authority());

    let (mut opened, mut read) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..world.rounds {
        for (way, pipeline) in ["false", "true"].into_iter().enumerate() {
            let settings = [("DATABASE_URL", &*encrypted), ("DB_PIPELINE", pipeline)];
            let instance = app.second_instance_with(&settings);
            let db = &instance.state.app.db;
            opened[way].push(millis(timed(db).await?));
            let mut samples = Vec::new();
            for _ in 0..SAMPLES {
                samples.push(timed(db).await?);
            }
            samples.sort();
            read[way].push(millis(samples[SAMPLES / 2]));
        }
    }
    let [direct, wired] = opened;
    let what = "a new TLS connection and one row: ours, and sqlx alone".to_owned();
    report.add_ratio("statements", what, "ms", (&direct, &wired), Target::AtMost(0.5));
    let [direct, wired] = read;
    let what = "one row through TLS: ours, and sqlx alone".to_owned();
    report.add_ratio("statements", what, "ms", (&direct, &wired), Target::None);

    let wrong = f64::from(wrong_answers().await?);
    let what = "24 clients, three server connections, 100,000 reads: failed or wrong".to_owned();
    report.add_value("statements", what, "", &[wrong], Target::AtMost(0.0));
    Ok(())
}

async fn timed(db: &Db) -> Result<Duration> {
    let started = Instant::now();
    echo(db, 1).await?;
    Ok(started.elapsed())
}

/// Runs all clients at once, and returns how many answers failed or were another client's.
async fn wrong_answers() -> Result<u32> {
    limit_server_connections().await?;
    // A new database: the pooler has no connections to it yet.
    let app =
        TestApp::on(Database::create().await, &[("DB_POOL_MAX", "24"), ("DB_CONNECTION_TIMEOUT", "30000")]);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let db = app.state.app.db.clone();
        clients.spawn(async move {
            let mut wrong = 0;
            for number in (client..STATEMENTS).step_by(usize::try_from(CLIENTS).unwrap_or(1)) {
                wrong += u32::from(echo(&db, number).await.ok() != Some(number));
            }
            wrong
        });
    }
    Ok(clients.join_all().await.into_iter().sum())
}

/// Limits the pooler's connections per database, through its console.
async fn limit_server_connections() -> Result<()> {
    let owner: PgConnectOptions = service("TEST_POSTGRES_URL").parse()?;
    let pooler: PgConnectOptions = service("TEST_POOLER_URL").parse()?;
    let console = owner.port(pooler.get_port()).database("pgbouncer").extra_float_digits(None);
    let mut console =
        PgConnection::connect_with(&console).await.context("connect to the pooler's console")?;
    for setting in [format!("default_pool_size = {SERVER_CONNECTIONS}"), "reserve_pool_size = 0".to_owned()] {
        sqlx::raw_sql(AssertSqlSafe(format!("SET {setting}"))).execute(&mut console).await?;
    }
    Ok(())
}
