//! Jobs whose time grows with the data: `backup`, compared with `pg_dump`, and `retention`, compared with one DELETE.

mod sink;

use std::{collections::BTreeMap, fs, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use harness::{Database, service};
use local_stack::Tools;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    instance::peak_memory,
    report::{Report, Target},
    world::World,
};
use sink::Sink;

/// Fewer than for requests: a round takes seconds.
const MAX_ROUNDS: usize = 5;
/// Rows that `retention` deletes.
const ROWS: u32 = 300_000;
/// Time between two reads of memory. The kernel keeps the peak, so only a process with a shorter life is missed.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);

/// Statements that create about 500 MB of dump each: text, and random bytes, which compress only because they are dumped in hexadecimal.
const TABLES: [(&str, &str, f64); 2] = [
    (
        "rows of text",
        "CREATE TABLE filling AS SELECT i, gen_random_uuid() AS id,
             repeat('The quick brown fox ' || i % 97 || ' jumps over the lazy dog; ', 3) || md5(i::text) AS body
         FROM generate_series(1, 2000000) i",
        0.75,
    ),
    (
        "hardly compressible",
        "CREATE TABLE filling (i bigint, body bytea);
         ALTER TABLE filling ALTER body SET STORAGE EXTERNAL;
         INSERT INTO filling SELECT i, (SELECT string_agg(sha512((i || '-' || j)::bytea), '') FROM generate_series(1, 62) j)
         FROM generate_series(1, 64000) i",
        0.45,
    ),
];

/// Measures both jobs.
pub async fn run(world: &World, report: &mut Report) -> Result<()> {
    for (what, fill, target) in TABLES {
        backup(world, report, what, fill, target).await?;
    }
    retention(world, report).await
}

async fn backup(world: &World, report: &mut Report, what: &str, fill: &str, target: f64) -> Result<()> {
    let database = Database::create().await;
    sqlx::raw_sql(AssertSqlSafe(fill.to_owned())).execute(database.pool()).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(database.pool()).await?;
    let sink = Sink::default();
    let dump = Tools::at(service("TEST_TOOLS")).postgres("pg_dump")?;
    let mut environment = world.environment.clone();
    environment.extend([
        ("AWS_ENDPOINT_URL".to_owned(), sink.start().await?),
        ("DATABASE_URL".to_owned(), database.owner_url()),
        // Its answer is all that it prints.
        ("LOG_LEVEL".to_owned(), "error".to_owned()),
        ("METRICS_ENABLED".to_owned(), "false".to_owned()),
        ("BACKUP_BUCKET".to_owned(), "backups".to_owned()),
        ("POSTGRES_BIN".to_owned(), dump.parent().context("a folder")?.display().to_string()),
    ]);
    let mut ours = Command::new(world.programs.join("Backup/bootstrap"));
    ours.arg("{}").env_clear().envs(&environment);
    let mut alone = Command::new(&dump);
    alone.args(["--format=custom", "--compress=0", "--dbname", &database.owner_url()]);

    // Not measured: fills the page cache. `backup` itself checks that the upload is complete.
    let (_, _, answer) = measure(&mut ours).await?;
    let manifest = &answer["manifest"];
    #[expect(clippy::cast_precision_loss, reason = "a length for a figure")]
    let megabytes = manifest["dumpBytes"].as_u64().context("a length")? as f64 / 1e6;
    let (mut baseline, mut rates, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..world.rounds.min(MAX_ROUNDS) {
        baseline.push(megabytes / measure(&mut alone).await?.0);
        let (seconds, peak, _) = measure(&mut ours).await?;
        rates.push(megabytes / seconds);
        memory.push(peak);
    }
    let speed = format!("backup of {megabytes:.0} MB, {what}, compared with pg_dump");
    report.add_ratio("jobs", speed, "MB/s", (&baseline, &rates), Target::AtLeast(target));
    let most = format!("backup, {what}: peak memory of all programs");
    report.add_value("jobs", most, "MiB", &memory, Target::AtMost(96.0));
    Ok(())
}

/// Runs `command` to its end. Returns its seconds, the peak memory of it and its children in MiB, and its output.
async fn measure(command: &mut Command) -> Result<(f64, f64, Value)> {
    command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let is_dump = command.as_std().get_program().to_string_lossy().ends_with("pg_dump");
    command.stdout(if is_dump { Stdio::null() } else { Stdio::piped() });
    let started = Instant::now();
    let child = command.spawn().context("start a program")?;
    let process = child.id().context("a process")?;
    let mut peaks = BTreeMap::new();
    let ended = child.wait_with_output();
    tokio::pin!(ended);
    let output = loop {
        tokio::select! {
            output = &mut ended => break output?,
            () = sleep(SAMPLE_INTERVAL) => record_peaks(process, &mut peaks),
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok((seconds, peaks.values().sum(), serde_json::from_slice(&output.stdout).unwrap_or_default()))
}

/// Records the peak memory, in MiB, of `process` and its descendants.
fn record_peaks(process: u32, peaks: &mut BTreeMap<u32, f64>) {
    // If the process has ended, its last recorded peak counts.
    let Ok(peak) = peak_memory(process) else { return };
    peaks.insert(process, peak);
    for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|text| text.parse().ok()) {
            record_peaks(child, peaks);
        }
    }
}

/// Inserts users, one in a thousand with a legal hold.
const PEOPLE: &str = "
    INSERT INTO users (id, name, email, created_at, updated_at, legal_hold_at, legal_hold_reason)
    SELECT gen_random_uuid(), 'U', 'u' || n || '@example.com', now(), now(),
           CASE WHEN n % 1000 = 1 THEN now() END, CASE WHEN n % 1000 = 1 THEN 'case' END
    FROM generate_series(1, 20000) n;
    CREATE TABLE numbered AS SELECT row_number() OVER () AS n, id FROM users";
/// The statement of `retention`, for all rows at once.
const DELETE_ALL: &str = "
    DELETE FROM sessions t WHERE least(revoked_at, expires_at, last_used_at) <= now() - interval '90 days'
    AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = t.user_id AND u.legal_hold_at IS NOT NULL)";

async fn retention(world: &World, report: &mut Report) -> Result<()> {
    let database = Database::create().await;
    sqlx::raw_sql(PEOPLE).execute(database.pool()).await?;
    let mut environment = world.environment.clone();
    environment.insert("DATABASE_URL".to_owned(), database.retention_url());
    let function = world.start("Retention", &environment).await?;
    // Connects, as the baseline is connected.
    function.invoke(&json!({ "dryRun": true })).await?;
    let (mut baseline, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..world.rounds.min(MAX_ROUNDS) {
        insert_sessions(&database).await?;
        let started = Instant::now();
        let removed = sqlx::raw_sql(DELETE_ALL).execute(database.pool()).await?.rows_affected();
        baseline.push(rate(removed, started.elapsed()));
        insert_sessions(&database).await?;
        let (answer, took) = function.invoke(&json!({})).await?;
        ensure!(answer["tables"][0]["removed"] == removed, "another number of rows was removed: {answer}");
        rates.push(rate(removed, took));
    }
    let what = format!("retention of {ROWS} sessions, compared with one DELETE");
    report.add_ratio("jobs", what, "/s", (&baseline, &rates), Target::AtLeast(0.7));
    Ok(())
}

/// Inserts the sessions that `retention` deletes.
async fn insert_sessions(database: &Database) -> Result<()> {
    let fill = format!(
        "TRUNCATE sessions;
         INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, created_at, authenticated_at,
                               last_used_at, expires_at, ends_at)
         SELECT gen_random_uuid(), u.id, sha256(i::text::bytea), m, 'body', m, m, m, m, m
         FROM generate_series(1, {ROWS}) i JOIN numbered u ON u.n = 1 + i * 7 % 20000,
              LATERAL (SELECT now() - interval '91 days' - i * interval '1 s' AS m) moment
         ORDER BY i DESC"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(database.pool()).await?;
    sqlx::raw_sql("VACUUM ANALYZE sessions").execute(database.pool()).await?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a count for a figure")]
fn rate(rows: u64, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64()
}
