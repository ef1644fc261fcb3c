//! The database as a whole: what is in it, and other ones on the same server.
//!
//! For backup, restore and migrations, which have a connection of their own to the server itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::contents::Contents;

/// A moment of the database that others can look at.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// By which name.
    pub id: String,
    /// Which moment.
    pub taken_at: DateTime<Utc>,
    /// The server's version.
    pub server: String,
    /// How large the database is, in bytes.
    pub bytes: i64,
}

/// Begins a transaction whose view others can share for as long as it lasts.
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

/// What the database holds, table by table, but for its sequences.
///
/// These know no snapshot: who makes a copy asks for [`sequences`] before it is begun.
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

/// Every table that is the application's own.
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

/// Where every sequence is.
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

/// Whoever was granted something here, or is named in a policy (PostgreSQL manual, 52.48).
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

/// Whether nobody has put anything into the database yet.
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

/// Lets the planner know what is in the tables: a restored database has no statistics.
pub async fn analyze(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("ANALYZE").execute(connection).await.map(drop)
}

/// Whether the server has a database of this name.
pub async fn exists(connection: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "exists!""#, name)
        .fetch_one(connection)
        .await
}

/// Makes a database with nothing in it.
pub async fn create(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("CREATE DATABASE {} TEMPLATE template0", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Removes a database with all that is in it, unless someone is connected to it.
pub async fn remove_unused(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {}", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Removes a database with all that is in it, and ends whoever is connected to it.
pub async fn remove(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Calls a database `to`; fails while someone is connected to it.
pub async fn rename(connection: &mut PgConnection, name: &str, to: &str) -> sqlx::Result<()> {
    let statement = format!("ALTER DATABASE {} RENAME TO {}", quoted(name), quoted(to));
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// The databases whose names begin with `prefix`.
pub async fn named(connection: &mut PgConnection, prefix: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT datname::text AS "name!" FROM pg_database WHERE starts_with(datname::text, $1)"#,
        prefix
    )
    .fetch_all(connection)
    .await
}

/// Makes a role that owns nothing and cannot log in, unless it is there.
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

/// Lets the role `name` log in with the password that `verifier` was made of, and gives it the rights of `group`.
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

/// As whom this connection works.
pub async fn current_role(connection: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT current_user::text").fetch_one(connection).await
}

/// Takes the advisory lock `key` for this connection, unless another one has it; `false` if one has.
pub async fn try_lock(connection: &mut PgConnection, key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key).fetch_one(connection).await
}

/// Gives the advisory lock `key` back.
pub async fn unlock(connection: &mut PgConnection, key: i64) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(key).execute(connection).await.map(drop)
}

/// How long a statement of this connection may wait for a lock, as PostgreSQL writes it (`5s`); `0` is for ever.
pub async fn set_lock_timeout(connection: &mut PgConnection, timeout: &str) -> sqlx::Result<()> {
    let set = sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(timeout);
    set.execute(connection).await.map(drop)
}

/// The indexes whose building was interrupted.
pub async fn invalid_indexes(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let find = sqlx::query_scalar("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid");
    find.fetch_all(connection).await
}

/// As an identifier (PostgreSQL manual, 4.1.1).
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
