//! Jobs that connect to the database without the proxy verify its certificate.

use std::{collections::HashMap, fs};

use harness::{
    Database, TlsProxy, create_secret, printable, runtime_api::Function, service, split_credentials,
};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::backup_store::{BackupStore, JOB_TIMEOUT};

/// Checks the TLS settings of `pg_dump` and removes them, because the `pg_dump` of the tests is built without TLS.
const WITHOUT_TLS: &str = "[ \"$PGSSLMODE\" = verify-full ] || exit 9
[ \"$(/usr/bin/grep -c BEGIN \"$PGSSLROOTCERT\")\" = 1 ] || exit 8
unset PGSSLROOTCERT
PGSSLMODE=disable PGPORT=$(/usr/bin/cat \"$0.port\") exec \"$real\" \"$@\"";

fn postgres_port() -> u16 {
    let (url, _) = split_credentials(&service("TEST_POSTGRES_URL"));
    url.rsplit([':', '/']).nth(1).and_then(|port| port.parse().ok()).expect("a port")
}

/// Returns the environment of a job in production, with its password in a secret.
async fn production_environment(
    store: &BackupStore,
    url: &str,
    credentials: &Value,
) -> HashMap<String, String> {
    let mut environment = store.environment(url.to_owned());
    environment.insert("NODE_ENV".to_owned(), "production".to_owned());
    environment.insert("DATABASE_CREDENTIALS".to_owned(), create_secret(credentials).await);
    environment
}

#[tokio::test]
async fn cluster_without_a_valid_certificate_is_refused() {
    let database = Database::create().await;
    let (store, proxy) = (BackupStore::new(&database).await, TlsProxy::to(postgres_port()).await);
    let (plain, credentials) = split_credentials(&database.owner_url());
    let (port, name, authority) = (proxy.port, database.name(), proxy.authority());
    for (url, reason) in [
        (plain, "does not support TLS"),
        (format!("postgresql://localhost:{port}/{name}"), "UnknownIssuer"),
        (format!("postgresql://localhost:{port}/{name}?sslmode=disable"), "UnknownIssuer"),
        (format!("postgresql://127.0.0.1:{port}/{name}?sslrootcert={authority}"), "not valid for name"),
    ] {
        let environment = production_environment(&store, &url, &credentials).await;
        for (job, event) in [
            ("backup", json!({})),
            ("migrate", json!({ "command": "status" })),
            (
                "restore-drill",
                json!({ "command": "replay", "target": name, "since": "2026-01-02T03:04:05Z" }),
            ),
        ] {
            let function = Function::start(job, environment.clone()).await;
            let error = function.invoke_within(JOB_TIMEOUT, event).await.expect_err("a refusal");
            let message = error["errorMessage"].as_str().expect("a reason");
            assert!(message.contains(reason), "{job} at {url}: {message}");
            let password = credentials["password"].as_str().expect("a password");
            assert!(!function.log().concat().contains(password) && !message.contains(password));
        }
    }
}

#[tokio::test]
async fn cluster_with_a_valid_certificate_is_backed_up() {
    let database = Database::create().await;
    let (mut store, proxy) = (BackupStore::new(&database).await, TlsProxy::to(postgres_port()).await);
    let role = format!("backup_{}", Uuid::new_v4().simple());
    let password = printable().replace('\'', "''");
    let create = format!("CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE pg_read_all_data");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(database.pool()).await.expect("a role");
    store.replace_pg_dump(WITHOUT_TLS);
    fs::write(store.script_file("port"), postgres_port().to_string()).expect("a file");
    let url = format!(
        "postgresql://localhost:{}/{}?sslrootcert={}",
        proxy.port,
        database.name(),
        proxy.authority()
    );
    let credentials = json!({ "username": role, "password": printable() });
    let backup = Function::start("backup", production_environment(&store, &url, &credentials).await).await;
    let made = backup.invoke_within(JOB_TIMEOUT, json!({})).await;
    drop(backup);
    sqlx::raw_sql(AssertSqlSafe(format!("DROP ROLE {role}")))
        .execute(database.pool())
        .await
        .expect("dropped");
    assert!(made.is_ok(), "{made:?}");
    store.reset_pg_dump();
    store.drill().await.expect("it can be restored");
}
