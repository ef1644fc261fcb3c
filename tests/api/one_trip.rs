//! Statements that travel together with BEGIN and COMMIT: round trips, failures, values (`DB_PIPELINE`).

use std::{fmt::Debug, thread, time::Duration};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use harness::{TestApp, Wire, function_settings};
use shared::{
    ApiError,
    db::{Db, Tx},
    domain::{
        actor::RequestInfo,
        audit::{Action, Event},
    },
    store,
};
use sqlx::{Connection, Decode, Encode, PgConnection, Postgres, Row, Type, types::Json};
use tokio::{
    runtime,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

const INSERT: &str = "INSERT INTO notes (id) VALUES ($1)";
const COUNT: &str = "SELECT count(*) FROM notes";

/// Starts an app whose database has an empty table.
async fn app(settings: &[(&str, &str)]) -> TestApp {
    let app = TestApp::with(settings).await;
    app.database.execute("CREATE TABLE notes (id bigint PRIMARY KEY)").await;
    app.database.execute("GRANT ALL ON notes TO PUBLIC").await;
    app
}

/// Starts a second instance with a counted connection to the database.
async fn wired(app: &TestApp, settings: &[(&str, &str)]) -> (TestApp, Wire) {
    let wire = Wire::to(&function_settings(&app.database)["DATABASE_URL"]).await;
    let mut settings = settings.to_vec();
    settings.push(("DATABASE_URL", &*wire.url));
    (app.second_instance_with(&settings), wire)
}

async fn insert(tx: &mut Tx, id: i64) -> Result<(), ApiError> {
    sqlx::query(INSERT).bind(id).execute(tx).await?;
    Ok(())
}

async fn count(db: &Db) -> i64 {
    let count = async |tx: &mut Tx| Ok(sqlx::query_scalar(COUNT).fetch_one(tx).await?);
    db.read(count).await.expect("a number")
}

#[tokio::test]
async fn read_takes_one_trip_and_n_statements_take_one_more_than_n() {
    let app = app(&[]).await;
    for (setting, read, write) in [("true", 1, 4), ("false", 4, 8)] {
        let (instance, wire) = wired(&app, &[("DB_PIPELINE", setting)]).await;
        let db = &instance.state.app.db;
        count(db).await;
        wire.reset();
        count(db).await;
        assert_eq!(wire.round_trips(), read, "DB_PIPELINE={setting}");
        wire.reset();
        let first = if setting == "true" { 0 } else { 3 };
        let three = db.transaction(async |tx| {
            for id in first..first + 3 {
                insert(tx, id).await?;
            }
            Ok(())
        });
        three.await.expect("committed");
        assert_eq!(wire.round_trips(), write, "DB_PIPELINE={setting}");
    }
    assert_eq!(count(&app.state.app.db).await, 6);
}

#[tokio::test]
async fn transaction_without_statements_sends_nothing() {
    let app = app(&[]).await;
    let (instance, wire) = wired(&app, &[]).await;
    let db = &instance.state.app.db;
    count(db).await;
    wire.reset();
    db.transaction(async |_| Ok(())).await.expect("nothing to do");
    assert_eq!(wire.round_trips(), 0);
    assert_eq!(count(db).await, 0);
}

#[tokio::test]
async fn failed_statement_at_any_position_rolls_back_and_keeps_the_connection() {
    let app = app(&[("DB_POOL_MAX", "1")]).await;
    let (instance, wire) = wired(&app, &[]).await;
    let db = &instance.state.app.db;
    assert_eq!(count(db).await, 0);
    for failing in 0..3 {
        wire.reset();
        let done = db.transaction(async |tx| {
            for id in 0..3 {
                if id == failing {
                    sqlx::query("SELECT 1 / $1").bind(0_i32).execute(&mut *tx).await?;
                }
                insert(tx, id).await?;
            }
            Ok(())
        });
        assert!(done.await.is_err());
        // The statements until the failed one, and ROLLBACK. No new connection.
        assert_eq!(wire.round_trips(), usize::try_from(failing).expect("small") + 2);
        // A statement that does not parse fails where it is executed.
        let invalid = db.transaction(async |tx| Ok(sqlx::query("SELEC 1").execute(tx).await?)).await;
        assert!(format!("{invalid:?}").contains("syntax error"), "{invalid:?}");
        let read = db.read(async |tx| Ok(sqlx::query("SELECT 1 / $1").bind(0_i32).execute(tx).await?)).await;
        assert!(format!("{read:?}").contains("division by zero"), "{read:?}");
        assert_eq!(count(db).await, 0);
    }
}

#[tokio::test]
async fn read_changes_nothing_and_is_one_statement() {
    let app = app(&[]).await;
    let db = &app.state.app.db;
    let written = db.read(async |tx| insert(tx, 1).await).await;
    assert!(format!("{written:?}").contains("read-only transaction"), "{written:?}");
    let two = db.read(async |tx| {
        sqlx::query(COUNT).execute(&mut *tx).await?;
        sqlx::query(COUNT).execute(tx).await?;
        Ok(())
    });
    let two = two.await;
    assert!(format!("{two:?}").contains("follows the last one"), "{two:?}");
    assert_eq!(count(db).await, 0);
}

#[tokio::test]
async fn error_at_commit_is_the_error_of_the_transaction() {
    let app = app(&[]).await;
    app.database
        .execute("ALTER TABLE notes ADD of bigint REFERENCES notes DEFERRABLE INITIALLY DEFERRED")
        .await;
    let db = &app.state.app.db;
    let orphan = "INSERT INTO notes (id, of) VALUES ($1, 9) RETURNING id";
    let done =
        db.transaction(async |tx| Ok(sqlx::query(orphan).bind(1_i64).fetch_one(tx).await.map(drop)?)).await;
    assert!(format!("{done:?}").contains("foreign key"), "{done:?}");
    assert_eq!(count(db).await, 0);
}

/// Adds an event to the audit log, which is sent with the next statement or with COMMIT.
async fn audit(tx: &mut Tx) -> Result<(), ApiError> {
    let request = RequestInfo { id: "r".to_owned(), address: None, path: String::new(), user_agent: None };
    Ok(store::audit_events::insert(tx, &Event::anonymous(Action::UserUpdated, &request)).await?)
}

#[tokio::test]
async fn event_of_the_audit_log_takes_no_trip_of_its_own() {
    let app = app(&[]).await;
    let events = "SELECT count(*) FROM audit_events";
    for (setting, writes, trips) in [("true", 2, 3), ("true", 1, 2), ("false", 1, 6)] {
        let (instance, wire) = wired(&app, &[("DB_PIPELINE", setting)]).await;
        let db = &instance.state.app.db;
        let before = app.database.value::<i64>(events).await;
        let first = count(db).await;
        wire.reset();
        let done = db.transaction(async |tx| {
            for id in first..first + writes {
                insert(tx, id).await?;
                audit(tx).await?;
            }
            Ok(())
        });
        done.await.expect("committed");
        assert_eq!(wire.round_trips(), trips, "DB_PIPELINE={setting}");
        assert_eq!(count(db).await, first + writes);
        assert_eq!(app.database.value::<i64>(events).await, before + writes);
    }
}

#[tokio::test]
async fn event_that_cannot_be_written_fails_its_transaction() {
    let app = app(&[("DB_POOL_MAX", "1")]).await;
    let db = &app.state.app.db;
    app.database.execute("REVOKE INSERT ON audit_events FROM arches_app").await;
    for writes_after in [0, 1] {
        let done = db.transaction(async |tx| {
            insert(tx, 1).await?;
            audit(tx).await?;
            for id in 0..writes_after {
                insert(tx, 10 + id).await?;
            }
            Ok(())
        });
        let done = done.await;
        assert!(format!("{done:?}").contains("permission denied for table audit_events"), "{done:?}");
        assert_eq!(count(db).await, 0);
    }
    // A transaction that fails for another reason does not send its event.
    let refused = db.transaction(async |tx| {
        insert(tx, 1).await?;
        audit(tx).await?;
        Err::<(), _>(ApiError::from(anyhow::anyhow!("refused")))
    });
    assert!(format!("{:?}", refused.await).contains("refused"));
    assert_eq!(count(db).await, 0);
}

#[tokio::test]
async fn dropped_statement_is_not_committed_and_releases_its_locks() {
    let app = app(&[("DB_POOL_MAX", "1")]).await;
    let db = &app.state.app.db;
    let slow = db.transaction(async |tx| {
        insert(tx, 1).await?;
        // The server notices the end of the connection when it answers.
        sqlx::query("SELECT pg_sleep(2)").execute(tx).await?;
        Ok(())
    });
    timeout(Duration::from_millis(300), slow).await.expect_err("dropped");
    assert_eq!(count(db).await, 0);
    let again = timeout(Duration::from_secs(5), db.transaction(async |tx| insert(tx, 1).await));
    again.await.expect("no lock").expect("inserted");
    assert_eq!(count(db).await, 1);
}

/// A frozen instance runs no task that could clean up.
#[tokio::test]
async fn locks_of_a_dropped_transaction_are_released_while_the_instance_is_frozen() {
    let app = app(&[]).await;
    let (instance, url) = (app.second_instance(), app.database.owner_url());
    let frozen = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let held = instance.state.app.db.transaction(async |tx| {
                insert(tx, 1).await?;
                sleep(Duration::from_mins(1)).await;
                Ok(())
            });
            timeout(Duration::from_millis(500), held).await.expect_err("dropped");
        });
        // The runtime is not polled any more, but not dropped either.
        thread::sleep(Duration::from_secs(3));
        drop(runtime);
    });
    sleep(Duration::from_secs(1)).await;
    let mut owner = PgConnection::connect(&url).await.expect("a connection");
    let started = Instant::now();
    sqlx::raw_sql("BEGIN; LOCK TABLE notes").execute(&mut owner).await.expect("a lock");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(!frozen.is_finished(), "it was frozen");
    frozen.join().expect("no panic");
}

#[tokio::test]
async fn large_values_and_many_rows_arrive_complete() {
    let app = app(&[]).await;
    let db = &app.state.app.db;
    let text: String = ('a'..='z').cycle().take(6_000_000).collect();
    let same: String = db
        .read(async |tx| Ok(sqlx::query_scalar("SELECT $1::text").bind(&*text).fetch_one(tx).await?))
        .await
        .expect("a text");
    assert!(same == text);
    let rows = "SELECT n, repeat('x', 100) FROM generate_series(1, $1) AS n";
    let rows = db.read(async |tx| Ok(sqlx::query(rows).bind(50_000_i32).fetch_all(tx).await?)).await;
    let rows: Vec<i32> = rows.expect("rows").iter().map(|row| row.get(0)).collect();
    assert!(rows.iter().copied().eq(1..=50_000));
}

async fn assert_same<T>(db: &Db, query: &'static str, value: T)
where
    T: Clone + Debug + PartialEq + Send + Sync + Unpin + Type<Postgres> + 'static,
    T: for<'q> Encode<'q, Postgres> + for<'r> Decode<'r, Postgres>,
{
    let echo = async |tx: &mut Tx| {
        let row = sqlx::query(query).bind(value.clone()).bind(None::<T>).fetch_one(tx).await?;
        Ok((row.get::<T, _>(0), row.get::<Option<T>, _>(1)))
    };
    assert_eq!(db.read(echo).await.expect(query), (value, None), "{query}");
}

/// Compare with the types of the parameters in `.sqlx`.
#[tokio::test]
async fn every_type_that_statements_bind_is_the_same_with_and_without_the_pipeline() {
    let app = app(&[]).await;
    for setting in ["true", "false"] {
        let instance = app.second_instance_with(&[("DB_PIPELINE", setting)]);
        let db = &instance.state.app.db;
        let now: DateTime<Utc> = harness::START.parse().expect("a time");
        assert_same(db, "SELECT $1::bool, $2::bool", true).await;
        assert_same(db, "SELECT $1::int4, $2::int4", i32::MIN).await;
        assert_same(db, "SELECT $1::int8, $2::int8", i64::MAX).await;
        assert_same(db, "SELECT $1::text, $2::text", "ä\u{1F980}".to_owned()).await;
        assert_same(db, "SELECT $1::bytea, $2::bytea", vec![0_u8, 255]).await;
        assert_same(db, "SELECT $1::uuid, $2::uuid", Uuid::new_v4()).await;
        assert_same(db, "SELECT $1::timestamptz, $2::timestamptz", now).await;
        assert_same(db, "SELECT $1::jsonb, $2::jsonb", Json(serde_json::json!({ "a": [1, null] }))).await;
        assert_same(db, "SELECT $1::int8[], $2::int8[]", vec![1_i64, -1]).await;
        assert_same(db, "SELECT $1::text[], $2::text[]", vec![String::new(), "'".to_owned()]).await;
        assert_same(db, "SELECT ($1::name)::text, $2::text", "arches_app".to_owned()).await;
    }
}

/// Clients and statements of each. `cargo xtask bench` runs a hundred thousand.
const CLIENTS: i64 = 24;
const STATEMENTS: i64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_statements_never_get_each_others_rows() {
    let app = app(&[("DB_POOL_MAX", "24"), ("DB_CONNECTION_TIMEOUT", "20000")]).await;
    let db = &app.state.app.db;
    join_all((0..CLIENTS).map(async |client| {
        for number in 0..STATEMENTS {
            let expected = client * STATEMENTS + number;
            let echo = async |tx: &mut Tx| {
                Ok(sqlx::query_scalar::<_, i64>("SELECT $1::int8").bind(expected).fetch_one(tx).await?)
            };
            assert_eq!(db.read(echo).await.expect("a number"), expected);
            let write = async |tx: &mut Tx| {
                insert(tx, expected).await?;
                echo(tx).await
            };
            assert_eq!(db.transaction(write).await.expect("a number"), expected);
        }
    }))
    .await;
    assert_eq!(count(db).await, CLIENTS * STATEMENTS);
}
