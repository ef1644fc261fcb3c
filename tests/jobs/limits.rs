//! The server ends what a function has given up: the time limits that `migrate` sets for each login.

use std::time::{Duration, Instant};

use harness::{Database, TestApp, runtime_api::Function};
use shared::{db, store::database};
use sqlx::{AssertSqlSafe, Connection, PgConnection, error::DatabaseError};
use tokio::time::sleep;

use crate::{
    cloudformation::request,
    deployment::{Deployment, password},
};

/// Runs `statements` and returns the error code of the first that fails, and when it failed.
async fn ended(connection: &mut PgConnection, statements: &[&'static str]) -> (String, Duration) {
    let begun = Instant::now();
    for statement in statements {
        if let Err(error) = sqlx::raw_sql(*statement).execute(&mut *connection).await {
            let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
            return (code.into_owned(), begun.elapsed());
        }
    }
    panic!("nothing was ended: {statements:?}");
}

async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.expect("a process id")
}

async fn is_connected(database: &Database, pid: i32) -> bool {
    let find = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)").bind(pid);
    find.fetch_one(database.pool()).await.expect("an answer")
}

#[track_caller]
fn assert_ended(what: &str, (code, after): (String, Duration), expected: &str, seconds: u64) {
    let limit = Duration::from_secs(seconds);
    let in_time = (limit..limit + Duration::from_secs(3)).contains(&after);
    assert!(code == expected && in_time, "{what}: {code} after {after:?}");
}

#[tokio::test]
async fn server_ends_what_a_function_with_short_transactions_has_given_up() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    let mut owner = PgConnection::connect(&deployment.database.owner_url()).await.expect("a connection");
    sqlx::raw_sql("BEGIN; LOCK TABLE users").execute(&mut owner).await.expect("a lock");

    let check = async |login: &'static str| {
        let connect =
            async || deployment.log_in(login, &password(&deployment.logins[login].0)).await.expect("a login");
        let (mut one, mut other, mut idle, mut long) =
            (connect().await, connect().await, connect().await, connect().await);
        let idle_pid = pid(&mut idle).await;
        sqlx::raw_sql("BEGIN; SELECT 1").execute(&mut idle).await.expect("a transaction");
        let (statement, lock, transaction, ()) = tokio::join!(
            ended(&mut one, &["SELECT pg_sleep(30)"]),
            ended(&mut other, &["SELECT id FROM users"]),
            ended(&mut long, &["BEGIN", "SELECT pg_sleep(7)", "SELECT pg_sleep(7)"]),
            sleep(Duration::from_secs(11)),
        );
        assert_ended(&format!("{login}: a statement"), statement, "57014", 8);
        assert_ended(&format!("{login}: a wait for a lock"), lock, "55P03", 5);
        assert_ended(&format!("{login}: a transaction"), transaction, "25P04", 11);
        assert!(!is_connected(&deployment.database, idle_pid).await, "{login}: an idle transaction");
    };
    tokio::join!(check("api"), check("retention"));
    drop(owner);
    deployment.end().await;
}

#[tokio::test]
async fn server_ends_what_a_backup_or_a_job_of_the_owner_has_given_up() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    let name = &deployment.logins["backup"].0;
    let mut backup = deployment.log_in("backup", &password(name)).await.expect("a login");
    let mut owner = db::connect(&deployment.database.owner_url()).await.expect("a connection");

    let set = "SELECT name || '=' || setting FROM pg_settings WHERE name LIKE '%\\_timeout' AND source <> 'default' ORDER BY 1";
    for (connection, expected) in [
        (
            &mut backup,
            vec![
                "idle_in_transaction_session_timeout=900000",
                "lock_timeout=10000",
                "statement_timeout=900000",
                "transaction_timeout=0",
            ],
        ),
        // Those of the server: it waits for locks as long as a migration allows.
        (&mut owner, vec!["idle_in_transaction_session_timeout=900000", "statement_timeout=900000"]),
    ] {
        let found: Vec<String> = sqlx::query_scalar(set).fetch_all(connection).await.expect("settings");
        assert_eq!(found, expected);
    }

    // What is left of a run: a job sets it when it has connected.
    for connection in [&mut backup, &mut owner] {
        database::limit_session(connection, Duration::from_secs(2)).await.expect("a limit");
        assert_ended("a statement", ended(connection, &["SELECT pg_sleep(30)"]).await, "57014", 2);
        let pid = pid(connection).await;
        sqlx::raw_sql("BEGIN; SELECT 1").execute(connection).await.expect("a transaction");
        sleep(Duration::from_secs(3)).await;
        assert!(!is_connected(&deployment.database, pid).await, "an idle transaction");
    }
    deployment.end().await;
}

#[tokio::test]
async fn limits_of_a_login_reach_a_session_through_the_pooler_and_are_those_of_a_deployment() {
    let deployment = Deployment::new(Database::create().await).await;
    let migrate = Function::start("migrate", deployment.environment()).await;
    deployment.send(&migrate, request("Create", "Custom::Migrations")).await;
    let of = async |role: &str| -> Vec<String> {
        let find = sqlx::query_scalar(
            "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = $1::text::regrole AND setdatabase = 0",
        );
        find.bind(format!("\"{role}\"")).fetch_all(deployment.database.pool()).await.expect("settings")
    };
    for (login, local) in [("api", "arches_api"), ("retention", "arches_janitor")] {
        assert_eq!(of(&deployment.logins[login].0).await, of(local).await, "{login}");
    }
    let app = TestApp::new().await;
    for setting in of("arches_api").await {
        let (name, ms) = setting.split_once('=').expect("a value");
        let statement = format!("SELECT setting FROM pg_settings WHERE name = '{name}'");
        let through_pooler = app
            .state
            .app
            .db
            .transaction(async |tx| {
                Ok(sqlx::query_scalar::<_, String>(AssertSqlSafe(statement.clone())).fetch_one(tx).await?)
            })
            .await;
        assert_eq!(through_pooler.expect("a value"), ms, "{name}");
    }
    deployment.end().await;
}
