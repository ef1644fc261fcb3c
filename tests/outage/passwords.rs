//! Passwords that are changed while the API serves requests.

use std::time::Duration;

use harness::{create_secret, printable, put_secret, split_credentials};
use serde_json::json;
use shared::db::connect_options;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{recovers_within, services::Services};

/// A secret is read again after 10 s at the earliest.
const MAX_RENEWAL_TIME: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_password_of_any_characters_is_read_again() {
    let services = Services::start().await;
    let (_, mut api) = split_credentials(&services.pooler_url());
    let (database, _) = split_credentials(&services.owner_url());
    let (cache, mut redis) = split_credentials(&services.redis_url());
    let (api_secret, redis_secret) = (create_secret(&api).await, create_secret(&redis).await);
    let app = services
        .app(&[
            ("DATABASE_URL", &database),
            ("DATABASE_CREDENTIALS", &api_secret),
            ("REDIS_URL", &cache),
            ("REDIS_CREDENTIALS", &redis_secret),
        ])
        .await;
    let ada = app.person("Ada").await;
    app.client().get("/ready").await.ok(200);

    api["password"] = json!(printable());
    redis["password"] = json!(printable());
    // Secrets first, so that an early reader gets the new one.
    put_secret(&api_secret, &api).await;
    put_secret(&redis_secret, &redis).await;
    change_in_postgresql(&services).await;
    change_in_redis(&services).await;

    recovers_within(MAX_RENEWAL_TIME, &ada.client, "/v1/auth/me", 200).await;
    recovers_within(MAX_RENEWAL_TIME, &app.client(), "/ready", 200).await;
}

/// Changes the password of the functions' role in PostgreSQL, and ends its connections.
async fn change_in_postgresql(services: &Services) {
    let options = connect_options(&services.owner_url()).expect("a URL");
    let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
    let password = printable().replace('\'', "''");
    for statement in [
        format!("ALTER ROLE arches_api PASSWORD '{password}'"),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'arches_api'".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.expect("a valid statement");
    }
    connection.close().await.expect("a clean end");
}

/// Changes the password in Redis, and ends its connections.
async fn change_in_redis(services: &Services) {
    let client = redis::Client::open(services.redis_url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut change = redis::pipe();
    change.cmd("CONFIG").arg("SET").arg("requirepass").arg(printable()).ignore();
    change.cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes").ignore();
    change.query_async::<()>(&mut connection).await.expect("changed");
}
