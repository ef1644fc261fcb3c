//! The names of databases that are restored into, and the step that replaces them.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use harness::{Database, runtime_api::Function, split_credentials};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::time::sleep;

use crate::{
    backup_store::{BackupStore, JOB_TIMEOUT},
    databases::{create_database, drop_database, execute, text, unused_name},
    identical::Server,
};

/// Waits for the file `go` before it restores.
const WAIT: &str = ": > \"$0.begun\"
while [ ! -e \"$0.go\" ]; do /usr/bin/sleep 0.02; done
exec \"$real\" \"$@\"";

#[tokio::test]
async fn name_that_postgresql_cuts_or_a_deployment_refuses_is_refused() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    let restored = store.back_up().await;
    // PostgreSQL uses the first 63 bytes.
    let long = format!("{:x<70}", unused_name());
    let cut = &long[..63];
    create_database(&database, cut).await;
    let mut connection = PgConnection::connect(&store.url_of(cut)).await.expect("a connection");
    execute(&mut connection, "CREATE TABLE kept (); INSERT INTO kept DEFAULT VALUES").await;
    for name in [long.as_str(), "Arches", "arches-restored", "2026", "postgres", "template1", "arches?x", ""]
    {
        let mut targets = vec![name.to_owned()];
        if !name.contains('?') {
            targets.push(store.url_of(name));
        }
        for target in targets {
            for event in [
                json!({ "command": "restore", "target": target }),
                json!({ "command": "replay", "target": target, "since": restored["takenAt"] }),
            ] {
                let error = store.call_restore(event).await.expect_err("refused");
                assert!(error.contains("cannot be the name of a database"), "{name}: {error}");
            }
        }
    }
    assert_eq!(text(&mut connection, "SELECT count(*)::text FROM kept").await, "1");
    let error = store.restore(&store.url_of(cut)).await.expect_err("it is not empty");
    assert!(error.contains("is not empty"), "{error}");
    connection.close().await.expect("a clean end");
    drop_database(&database, cut).await;
}

#[tokio::test]
async fn empty_database_that_others_are_connected_to_is_replaced() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    store.back_up().await;
    let name = unused_name();
    create_database(&database, &name).await;
    let mut idle = PgConnection::connect(&store.url_of(&name)).await.expect("a connection");
    let mut writer = PgConnection::connect(&store.url_of(&name)).await.expect("a connection");
    execute(&mut writer, "BEGIN; CREATE TABLE uncommitted ()").await;
    store.restore(&store.url_of(&name)).await.expect("restored");
    for connection in [&mut idle, &mut writer] {
        sqlx::raw_sql("COMMIT").execute(connection).await.expect_err("the connection was ended");
    }
    let mut copy = PgConnection::connect(&store.url_of(&name)).await.expect("a connection");
    let tables = "SELECT concat_ws(' ', to_regclass('users'), to_regclass('uncommitted'))";
    assert_eq!(text(&mut copy, tables).await, "users");
    copy.close().await.expect("a clean end");
    drop_database(&database, &name).await;
}

#[tokio::test]
async fn database_that_is_filled_during_the_restore_is_not_replaced() {
    let database = Database::create().await;
    let mut store = BackupStore::new(&database).await;
    store.back_up().await;
    store.replace_pg_restore(WAIT);
    let name = unused_name();
    create_database(&database, &name).await;
    let url = store.url_of(&name);
    let fill = async {
        while !store.script_folder().join("pg_restore.begun").exists() {
            sleep(Duration::from_millis(20)).await;
        }
        let mut connection = PgConnection::connect(&url).await.expect("a connection");
        execute(&mut connection, "CREATE TABLE filled ()").await;
        fs::write(store.script_folder().join("pg_restore.go"), "").expect("a file");
        connection
    };
    let (restored, mut connection) = tokio::join!(store.restore(&url), fill);
    let error = restored.expect_err("it is not empty");
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(text(&mut connection, "SELECT count(*)::text FROM filled").await, "0", "it stayed connected");
    connection.close().await.expect("a clean end");
    drop_database(&database, &name).await;
}

#[tokio::test]
async fn database_that_is_filled_at_the_last_moment_is_not_replaced_and_accepts_connections() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    store.back_up().await;
    let name = unused_name();
    create_database(&database, &name).await;
    let mut connection = PgConnection::connect(&store.url_of(&name)).await.expect("a connection");
    // The third connection is that of the check after which nobody else can connect. What is in pg_catalog does not count as content.
    execute(
        &mut connection,
        "SET allow_system_table_mods = on;
         CREATE SEQUENCE pg_catalog.visits;
         CREATE FUNCTION pg_catalog.fill() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF nextval('pg_catalog.visits') = 3 THEN CREATE TABLE public.filled (); END IF;
         END $$;
         CREATE EVENT TRIGGER fill ON login EXECUTE FUNCTION pg_catalog.fill()",
    )
    .await;
    connection.close().await.expect("a clean end");
    let error = store.restore(&store.url_of(&name)).await.expect_err("it is not empty");
    assert!(error.contains("is not empty"), "{error}");
    let mut connection = PgConnection::connect(&store.url_of(&name)).await.expect("connections are allowed");
    assert_eq!(text(&mut connection, "SELECT count(*)::text FROM filled").await, "0");
    assert_eq!(text(&mut connection, "SELECT last_value::text FROM pg_catalog.visits").await, "4");
    connection.close().await.expect("a clean end");
    drop_database(&database, &name).await;
}

/// Connects to every database of `server` again and again, and keeps the connections of the superuser. Counts the connections to
/// databases that are not restored yet: of the superuser, and of the role `watcher`.
async fn watch(superuser: String, counts: Arc<[AtomicUsize; 2]>) {
    let (watcher, mut kept) = (superuser.replace("postgres:", "watcher:"), Vec::new());
    let url = |base: &str, name: &str| {
        let (server, _) = base.rsplit_once('/').expect("a URL that ends in a database");
        format!("{server}/{name}")
    };
    let mut list = PgConnection::connect(&superuser).await.expect("a connection");
    loop {
        let names: Vec<String> =
            sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE NOT datistemplate")
                .fetch_all(&mut list)
                .await
                .expect("the databases");
        for name in names.iter().filter(|name| *name != "postgres") {
            let is_scratch = name.starts_with("arches_drill_");
            if let Ok(connection) = PgConnection::connect(&url(&superuser, name)).await {
                kept.push(connection);
                counts[0].fetch_add(usize::from(is_scratch), Ordering::Relaxed);
            }
            if PgConnection::connect(&url(&watcher, name)).await.is_ok() {
                counts[1].fetch_add(usize::from(is_scratch), Ordering::Relaxed);
            }
        }
        // The server takes 200 connections.
        kept.drain(..kept.len().saturating_sub(50));
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn monitoring_that_visits_every_database_stops_neither_restore_nor_drill() {
    let database = Database::create().await;
    let store = BackupStore::new(&database).await;
    store.back_up().await;
    let server = Server::start();
    let mut maintenance = server.connect("postgres").await;
    let superuser = server.postgres.url("postgres");
    let (_, credentials) = split_credentials(&superuser);
    let password = credentials["password"].as_str().expect("a password");
    execute(&mut maintenance, &format!("CREATE ROLE watcher LOGIN PASSWORD '{password}' IN ROLE pg_monitor"))
        .await;
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let monitoring = tokio::spawn(watch(superuser.clone(), Arc::clone(&counts)));

    let drill = Function::start("restore-drill", store.environment(superuser.clone())).await;
    drill.invoke_within(JOB_TIMEOUT, json!({ "command": "drill" })).await.expect("a drill");
    store.restore(&server.postgres.url("restored")).await.expect("restored");
    monitoring.abort();
    let [of_superuser, of_watcher] = [0, 1].map(|index: usize| counts[index].load(Ordering::Relaxed));
    assert!(of_superuser > 0, "monitoring has visited no scratch database");
    assert_eq!(of_watcher, 0, "a role other than the owner connected to a scratch database");
    let left = "SELECT count(*)::text FROM pg_database WHERE starts_with(datname::text, 'arches_drill_')";
    assert_eq!(text(&mut maintenance, left).await, "0");
    let again = server.postgres.url("restored").replace("postgres:", "watcher:");
    PgConnection::connect(&again).await.expect("the restored database accepts others again");
}
