//! The guarantees of `Db::transaction`.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use axum::response::IntoResponse;
use futures_util::future::join_all;
use harness::{TestApp, Wire, function_settings};
use serde_json::json;
use shared::{ApiError, db::Tx, error::is_outage};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{sync::Barrier, time::sleep};

#[tokio::test]
async fn transaction_with_a_failed_statement_fails() {
    let app = TestApp::new().await;
    let db = &app.state.app.db;
    let done = db
        .transaction(async |tx| {
            _ = sqlx::query("SELECT 1 / 0").execute(&mut *tx).await;
            Ok("done")
        })
        .await;
    assert!(done.is_err(), "{done:?}");
    let next = db.transaction(async |tx| Ok(sqlx::query("SELECT 1").execute(&mut *tx).await?)).await;
    assert!(next.is_ok(), "{next:?}");
}

#[tokio::test]
async fn deadlocked_transactions_both_succeed() {
    let app = TestApp::with(&[("DB_POOL_MAX", "2")]).await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let (runs, both_hold_one) = (AtomicUsize::new(0), Barrier::new(2));
    let lock = async |tx: &mut Tx, id: &str| -> Result<(), ApiError> {
        sqlx::query("UPDATE users SET name = name || '!' WHERE id = $1::uuid")
            .bind(id.to_owned())
            .execute(tx)
            .await?;
        Ok(())
    };
    let lock_in_order = async |first: &str, second: &str| {
        app.state
            .app
            .db
            .transaction(async |tx| {
                lock(tx, first).await?;
                // Only the first two runs wait for each other.
                if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                    both_hold_one.wait().await;
                }
                lock(tx, second).await
            })
            .await
    };
    let (one, other) = tokio::join!(lock_in_order(&ada.id, &bob.id), lock_in_order(&bob.id, &ada.id));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?} {runs:?}");
    assert!(runs.load(Ordering::SeqCst) > 2);
    let names: i64 = app.database.value("SELECT count(*) FROM users WHERE name LIKE '%!!'").await;
    assert_eq!(names, 2);
}

/// Fails like a transaction that the database rolled back with `code`.
fn roll_back(code: &str) -> sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments> {
    let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'rolled back' USING ERRCODE = '{code}'; END $$");
    sqlx::query(AssertSqlSafe(raise))
}

#[tokio::test]
async fn rolled_back_transactions_run_again_until_they_succeed() {
    let app = TestApp::new().await;
    let db = &app.state.app.db;
    for code in ["40001", "40P01"] {
        let runs = AtomicUsize::new(0);
        let work = async |tx: &mut Tx| {
            if runs.fetch_add(1, Ordering::SeqCst) < 4 {
                roll_back(code).execute(&mut *tx).await?;
            }
            Ok::<_, anyhow::Error>("done")
        };
        assert_eq!(db.transaction(async |tx| Ok(work(tx).await?)).await.ok(), Some("done"), "{code}");
        assert_eq!(runs.swap(0, Ordering::SeqCst), 5, "{code}");
        // A job.
        assert_eq!(db.transaction_as(work).await.ok(), Some("done"), "{code}");
        assert_eq!(runs.load(Ordering::SeqCst), 5, "{code}");
    }
    // Nobody knows the outcome.
    let runs = AtomicUsize::new(0);
    let unknown = db
        .transaction_as(async |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok(roll_back("40003").execute(tx).await.map(drop)?)
        })
        .await;
    assert!(unknown.is_err() && runs.load(Ordering::SeqCst) == 1, "{unknown:?} {runs:?}");
}

#[tokio::test]
async fn rolled_back_transaction_fails_within_ten_seconds() {
    let app = TestApp::new().await;
    let (db, started) = (&app.state.app.db, Instant::now());
    let failed = db.transaction_as(async |tx| Ok(roll_back("40P01").execute(tx).await.map(drop)?)).await;
    assert!(failed.is_err_and(|error| is_outage(&error)));
    assert!(started.elapsed() < Duration::from_millis(10_500), "{:?}", started.elapsed());
}

#[tokio::test]
async fn time_limit_of_the_database_is_a_503_and_the_next_transaction_works() {
    let app = TestApp::with(&[("DB_POOL_MAX", "1")]).await;
    let db = &app.state.app.db;
    let mut owner = PgConnection::connect(&app.database.owner_url()).await.expect("a connection");
    sqlx::raw_sql("BEGIN; LOCK TABLE users").execute(&mut owner).await.expect("a lock");
    for (code, statements, pause) in [
        ("57014", vec!["SELECT pg_sleep(30)"], 0),
        ("55P03", vec!["SELECT count(*) FROM users"], 0),
        ("25P04", vec!["SET LOCAL transaction_timeout = '1s'", "SELECT pg_sleep(30)"], 0),
        ("25P03", vec!["SET LOCAL idle_in_transaction_session_timeout = '1s'"], 2),
    ] {
        let failed = db
            .transaction(async |tx| {
                for statement in &statements {
                    sqlx::query(*statement).execute(&mut *tx).await?;
                }
                sleep(Duration::from_secs(pause)).await;
                sqlx::query("SELECT 1").execute(&mut *tx).await?;
                Ok(())
            })
            .await
            .expect_err(code);
        let answer = failed.into_response();
        assert_eq!(answer.status(), 503, "{code}");
        let next = db.transaction(async |tx| Ok(sqlx::query("SELECT 1").execute(&mut *tx).await?)).await;
        assert!(next.is_ok(), "{code}: {next:?}");
    }
}

#[tokio::test]
async fn refused_body_rolls_back_and_keeps_the_connection() {
    let app = TestApp::new().await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let database = Wire::to(&function_settings(&app.database)["DATABASE_URL"]).await;
    let instance = app.second_instance_with(&[("DATABASE_URL", &*database.url)]);
    let client = instance.client().token(&ada.access_token);
    let refuse = async || client.patch(&team, json!({ "name": 5 })).await.refused(422, "invalid-body");
    // Connects, and caches the session.
    refuse().await;
    for _ in 0..3 {
        database.reset();
        refuse().await;
        // The statement with BEGIN, ROLLBACK: no new connection.
        assert_eq!(database.round_trips(), 2);
    }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    assert_eq!(app.database.value::<i64>(open).await, 0);
}

#[tokio::test]
async fn sixteen_concurrent_refused_bodies_leave_no_open_transaction() {
    let app = TestApp::with(&[("DB_POOL_MAX", "4"), ("DB_CONNECTION_TIMEOUT", "10000")]).await;
    let ada = app.person("Ada").await;
    let team = ada.create_organization("Engines").await;
    let answers = join_all((0..16).map(|_| ada.client.patch(&team, json!({ "name": 5 })))).await;
    for answer in answers {
        answer.refused(422, "invalid-body");
    }
    ada.client.patch(&team, json!({ "name": "Machines" })).await.ok(200);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
    assert_eq!(app.database.value::<i64>(open).await, 0);
}

#[tokio::test]
async fn denied_request_is_recorded_and_changes_nothing() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.person("Ada").await, app.verified_person("Bob").await);
    let team = ada.create_organization("Engines").await;
    ada.add(&team, &bob, "member").await;
    bob.client.patch(&team, json!({ "name": "Bob's" })).await.refused(403, "role-needed");
    let denied = "SELECT count(*) FROM audit_events WHERE action = 'access.denied' AND outcome = 'denied'";
    assert_eq!(app.database.value::<i64>(denied).await, 1);
    assert_eq!(ada.client.get(&team).await.ok(200).text("/data/name"), "Engines");
}
