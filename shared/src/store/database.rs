//! The database as a whole: its contents, and other databases on the same server.
//!
//! For backup, restore and migrations, which connect directly to the server.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::contents::Contents;

/// A snapshot that other connections can use.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub id: String,
    pub taken_at: DateTime<Utc>,
    /// The version of the server.
    pub server: String,
    pub bytes: i64,
}

/// Begins a transaction and exports its snapshot. Others can use it as long as the transaction lasts.
pub async fn begin_snapshot(connection: &mut PgConnection) -> sqlx::Result<Snapshot> {
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *connection).await?;
    sqlx::query_as!(
        Snapshot,
        r#"
        SELECT pg_export_snapshot() AS "id!", now() AS "taken_at!", current_setting('server_version') AS "server!",
               pg_database_size(current_database()) AS "bytes!"
        "#,
    )
    .fetch_one(connection)
    .await
}

/// Reads the contents of the database, without its sequences.
///
/// Sequences are not part of a snapshot: read [`sequences`] before the copy begins.
pub async fn contents(connection: &mut PgConnection) -> sqlx::Result<Contents> {
    let mut tables = BTreeMap::new();
    for name in tables_of(connection).await? {
        // Quoted by the database itself.
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {name}"));
        tables.insert(name, sqlx::query_scalar(count).fetch_one(&mut *connection).await?);
    }
    Ok(Contents {
        migration: migration(connection).await?,
        sequences: BTreeMap::new(),
        extensions: extensions(connection).await?,
        roles: roles(connection).await?,
        tables,
    })
}

/// Returns the names of the application's tables.
async fn tables_of(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        SELECT format('%I.%I', n.nspname, c.relname) AS "name!"
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1
        "#,
    )
    .fetch_all(connection)
    .await
}

async fn migration(connection: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let table: Option<String> = sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations')::text")
        .fetch_one(&mut *connection)
        .await?;
    if table.is_none() {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM public._sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
}

/// Returns the last value of each sequence.
pub async fn sequences(connection: &mut PgConnection) -> sqlx::Result<BTreeMap<String, i64>> {
    let found = sqlx::query!(
        r#"
        SELECT format('%I.%I', schemaname, sequencename) AS "name!", coalesce(last_value, 0) AS "last!"
        FROM pg_sequences
        "#,
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(|row| (row.name, row.last)).collect())
}

async fn extensions(connection: &mut PgConnection) -> sqlx::Result<BTreeMap<String, String>> {
    let found = sqlx::query!("SELECT extname::text AS \"name!\", extversion AS version FROM pg_extension");
    Ok(found.fetch_all(connection).await?.into_iter().map(|row| (row.name, row.version)).collect())
}

/// Returns the roles that a grant or a policy of this database names (PostgreSQL manual, 52.48).
async fn roles(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        SELECT DISTINCT r.rolname::text AS "name!"
        FROM pg_shdepend d
        JOIN pg_roles r ON r.oid = d.refobjid
        JOIN pg_database current ON current.oid = d.dbid
        WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype IN ('a', 'r') AND current.datname = current_database()
          AND r.rolname NOT LIKE 'pg\_%'
        ORDER BY 1
        "#,
    )
    .fetch_all(connection)
    .await
}

/// Returns whether the database is as new: no object was created in it.
pub async fn is_empty(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema')
           AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                           WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema')
           AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                           WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema')
           AND NOT EXISTS (SELECT FROM pg_largeobject_metadata)
           AND NOT EXISTS (SELECT FROM pg_namespace
                           WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'public'))
           AND NOT EXISTS (SELECT FROM pg_extension WHERE extname <> 'plpgsql') AS "empty!"
        "#,
    )
    .fetch_one(connection)
    .await
}

/// Collects the planner's statistics: a restored database has none.
pub async fn analyze(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("ANALYZE").execute(connection).await.map(drop)
}

/// Returns whether the server has a database with this name.
pub async fn exists(connection: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "exists!""#, name)
        .fetch_one(connection)
        .await
}

/// Creates an empty database.
pub async fn create(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("CREATE DATABASE {} TEMPLATE template0", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Deletes a database. Fails if it has connections.
pub async fn remove_unused(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {}", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Deletes a database. Closes its connections.
pub async fn remove(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Renames a database. Fails if it has connections.
pub async fn rename(connection: &mut PgConnection, name: &str, to: &str) -> sqlx::Result<()> {
    let statement = format!("ALTER DATABASE {} RENAME TO {}", quoted(name), quoted(to));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Returns the databases whose names begin with `prefix`.
pub async fn named(connection: &mut PgConnection, prefix: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT datname::text AS "name!" FROM pg_database WHERE starts_with(datname::text, $1)"#,
        prefix
    )
    .fetch_all(connection)
    .await
}

/// Creates a role that owns nothing and cannot log in, if it does not exist.
pub async fn create_role(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let known =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "known!""#, name)
            .fetch_one(&mut *connection)
            .await?;
    if known {
        return Ok(());
    }
    let statement = format!("CREATE ROLE {} NOLOGIN", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Allows the role `name` to log in with the password of `verifier`, and makes it a member of `group`.
pub async fn let_log_in(
    connection: &mut PgConnection,
    name: &str,
    verifier: &str,
    group: &str,
) -> sqlx::Result<()> {
    let (name, group, verifier) = (quoted(name), quoted(group), verifier.replace('\'', "''"));
    let statement = format!("ALTER ROLE {name} LOGIN PASSWORD '{verifier}'; GRANT {group} TO {name}");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Returns the role of this connection.
pub async fn current_role(connection: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT current_user::text").fetch_one(connection).await
}

/// Takes the advisory lock `key` for this connection; `false` if another connection has it.
pub async fn try_lock(connection: &mut PgConnection, key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key).fetch_one(connection).await
}

/// Releases the advisory lock `key`.
pub async fn unlock(connection: &mut PgConnection, key: i64) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(key).execute(connection).await.map(drop)
}

/// Sets the time that a statement of this connection waits for a lock, as PostgreSQL writes it (`5s`); `0` is without limit.
pub async fn set_lock_timeout(connection: &mut PgConnection, timeout: &str) -> sqlx::Result<()> {
    let set = sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(timeout);
    set.execute(connection).await.map(drop)
}

/// Returns the invalid indexes: their build was interrupted.
pub async fn invalid_indexes(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let find = sqlx::query_scalar("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid");
    find.fetch_all(connection).await
}

/// Quotes an identifier (PostgreSQL manual, 4.1.1).
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
