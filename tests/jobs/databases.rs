//! Databases that are targets of a restore.

use harness::Database;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

pub async fn text(connection: &mut PgConnection, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(connection).await.expect("one value")
}

pub async fn execute(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.expect("a valid statement");
}

/// Returns the name of a database that does not exist.
pub fn unused_name() -> String {
    format!("unused_{}", Uuid::new_v4().simple())
}

pub async fn drop_database(database: &Database, name: &str) {
    let statement = AssertSqlSafe(format!("DROP DATABASE {name}"));
    sqlx::raw_sql(statement).execute(database.pool()).await.expect("dropped");
}

pub async fn create_database(database: &Database, name: &str) {
    let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(statement).execute(database.pool()).await.expect("created");
}
