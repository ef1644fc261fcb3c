use std::time::{Duration, Instant};

use harness::{PASSWORD, TestApp};
use serde_json::json;
use tokio::sync::watch;

use super::{clean, counts, insert, text};

/// Returns a statement that inserts sessions of Ada that ended `ago`.
pub fn ended_sessions(count: u32, ago: &str) -> String {
    format!(
        "INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, user_agent, created_at,
                               authenticated_at, last_used_at, expires_at, ends_at)
         SELECT gen_random_uuid(), u.id, sha256(n::text::bytea), moment, 'body', 'ended', moment, moment, moment,
                moment, moment
         FROM generate_series(1, {count}) n, (SELECT id FROM users WHERE name = 'Ada') u,
              LATERAL (SELECT $now - interval '{ago}' - n * interval '1 s' AS moment) m"
    )
}

/// Records how many rows each statement deleted, and in which transaction.
const COUNTED: &str = "
    CREATE TABLE removed (transaction xid8 NOT NULL, rows bigint NOT NULL);
    GRANT INSERT ON removed TO arches_retention;
    CREATE FUNCTION count_removed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO removed SELECT pg_current_xact_id(), count(*) FROM gone; RETURN NULL; END $$;
    CREATE TRIGGER count_removed AFTER DELETE ON sessions REFERENCING OLD TABLE AS gone
        FOR EACH STATEMENT EXECUTE FUNCTION count_removed()";

/// Signs in repeatedly until `done`. Returns the duration of each sign-in, and whether it ended before `done`.
async fn sign_in_until(app: &TestApp, email: &str, done: watch::Receiver<bool>) -> Vec<(Duration, bool)> {
    let body = json!({ "email": email, "password": PASSWORD });
    let mut times = Vec::new();
    while !*done.borrow() {
        let started = Instant::now();
        app.client().post("/v1/auth/login", body.clone()).await.ok(201);
        times.push((started.elapsed(), !*done.borrow()));
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_can_sign_in_while_250_000_sessions_are_deleted() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    insert(&app, &ended_sessions(250_000, "91 days")).await;
    insert(&app, "ANALYZE sessions").await;
    sqlx::raw_sql(COUNTED).execute(app.database.pool()).await.expect("a trigger");
    let alone = Instant::now();
    app.client().post("/v1/auth/login", json!({ "email": ada.email, "password": PASSWORD })).await.ok(201);
    let alone = alone.elapsed();

    let (done, watching) = watch::channel(false);
    let cleaning = async {
        let started = Instant::now();
        let report = clean(&app).await;
        done.send_replace(true);
        (report, started.elapsed())
    };
    let ((report, took), logins) = tokio::join!(cleaning, sign_in_until(&app, &ada.email, watching));

    assert_eq!((counts(&report, "sessions"), report.complete), ((250_000, 0), true));
    let left = text(&app, "SELECT count(*)::text FROM sessions").await;
    assert_eq!(
        left,
        (2 + logins.len()).to_string(),
        "Ada's registration, the login before, and the logins during the run"
    );
    let counted = "SELECT max(rows) || ' at most, ' || sum(rows) FROM
                   (SELECT sum(rows) AS rows FROM removed GROUP BY transaction) AS transactions";
    assert_eq!(text(&app, counted).await, "5000 at most, 250000");
    let during = logins.iter().filter(|(_, while_cleaning)| *while_cleaning).count();
    assert!(during >= 2, "two logins ended while rows were being deleted");
    let longest = logins.iter().map(|(time, _)| *time).max().unwrap_or_default();
    eprintln!(
        "250,000 sessions removed in {took:?}; {during} logins during that time, the longest {longest:?}; one before {alone:?}"
    );
}
