//! The database as a whole, and other databases on the same server.
//!
//! For backup, restore and migrations, which have a direct connection to the server.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::contents::Contents;
use crate::domain::database_name::MAX_NAME_BYTES;

/// An exported snapshot of the database.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub id: String,
    pub taken_at: DateTime<Utc>,
    /// The version of the server.
    pub server: String,
    /// The size of the database.
    pub bytes: i64,
}

/// Begins a transaction and exports its snapshot. Other connections can use the snapshot until the transaction ends.
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

/// Summarizes the content of the database, without its sequences.
///
/// A snapshot does not include sequences. Read them with [`sequences`] before a copy is begun.
pub async fn contents(connection: &mut PgConnection) -> sqlx::Result<Contents> {
    let mut tables = BTreeMap::new();
    for name in tables_of(connection).await? {
        // The database quoted the name.
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {name}"));
        tables.insert(name, sqlx::query_scalar(count).fetch_one(&mut *connection).await?);
    }
    Ok(Contents {
        migration: migration(connection).await?,
        sequences: BTreeMap::new(),
        extensions: extensions(connection).await?,
        roles: roles(connection).await?,
        comments: comments(connection).await?,
        tables,
    })
}

/// Returns the application's tables: not those of PostgreSQL or of extensions.
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

/// Returns the roles with grants in this database or named in a policy (PostgreSQL manual, 52.48).
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

/// Returns the comments on the application's objects. Those on extensions belong to the version of the extension.
async fn comments(connection: &mut PgConnection) -> sqlx::Result<BTreeMap<String, String>> {
    let found = sqlx::query!(
        r#"
        SELECT object.type || ' ' || object.identity AS "object!", d.description AS "comment!"
        FROM pg_description d
        CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS object
        WHERE d.objoid >= 16384 -- FirstNormalObjectId: smaller ones are PostgreSQL's own
          AND d.classoid <> 'pg_extension'::regclass
          AND NOT EXISTS (SELECT FROM pg_depend e
                          WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
        "#
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(|row| (row.object, row.comment)).collect())
}

/// Checks whether the database contains nothing but what PostgreSQL creates.
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

/// Collects statistics for the planner. A restored database has none.
pub async fn analyze(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("ANALYZE").execute(connection).await.map(drop)
}

/// Checks whether the server has a database with this name.
pub async fn exists(connection: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    check_name(name)?;
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "exists!""#, name)
        .fetch_one(connection)
        .await
}

/// Drops a database. Fails if there are connections to it.
pub async fn remove_unused(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {}", quote(name)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Drops a database, and closes the connections to it.
pub async fn remove(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(name)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Renames a database. Fails if there are connections to it.
pub async fn rename(connection: &mut PgConnection, name: &str, to: &str) -> sqlx::Result<()> {
    let statement = format!("ALTER DATABASE {} RENAME TO {}", quote(name)?, quote(to)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Returns the names of the databases that begin with `prefix`.
pub async fn named(connection: &mut PgConnection, prefix: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT datname::text AS "name!" FROM pg_database WHERE starts_with(datname::text, $1)"#,
        prefix
    )
    .fetch_all(connection)
    .await
}

/// Creates a role that cannot log in, unless it exists.
pub async fn create_role(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    check_name(name)?;
    let known =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "known!""#, name)
            .fetch_one(&mut *connection)
            .await?;
    if known {
        return Ok(());
    }
    let statement = format!("CREATE ROLE {} NOLOGIN", quote(name)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Time limits that the server enforces in the sessions of a login.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    pub statement: Duration,
    /// The wait for one lock.
    pub lock: Duration,
    /// The wait for the next statement of a transaction.
    pub idle_in_transaction: Duration,
    pub transaction: Duration,
}

impl SessionLimits {
    /// Returns PostgreSQL's settings, in milliseconds.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, u128); 4] {
        [
            ("statement_timeout", self.statement.as_millis()),
            ("lock_timeout", self.lock.as_millis()),
            ("idle_in_transaction_session_timeout", self.idle_in_transaction.as_millis()),
            ("transaction_timeout", self.transaction.as_millis()),
        ]
    }
}

/// Lets the role `name` log in with the password of `verifier`, grants it the role `group`, and limits its new sessions.
///
/// All or nothing: several statements in one message are one transaction.
pub async fn enable_login(
    connection: &mut PgConnection,
    name: &str,
    verifier: &str,
    group: &str,
    limits: &SessionLimits,
) -> sqlx::Result<()> {
    let (name, group, verifier) = (quote(name)?, quote(group)?, literal(verifier));
    let mut statements =
        vec![format!("ALTER ROLE {name} LOGIN PASSWORD {verifier}"), format!("GRANT {group} TO {name}")];
    statements
        .extend(limits.settings().map(|(setting, ms)| format!("ALTER ROLE {name} SET {setting} = {ms}")));
    sqlx::raw_sql(AssertSqlSafe(statements.join("; "))).execute(connection).await.map(drop)
}

/// Limits every statement of this connection, and every wait for the next statement of a transaction.
///
/// For direct connections of jobs, which end at a deadline. Behind a pooler the setting would reach other clients.
pub async fn limit_session(connection: &mut PgConnection, limit: Duration) -> sqlx::Result<()> {
    // 0 would mean no limit.
    let limit = limit.as_millis().max(1).to_string();
    let set = sqlx::query(
        "SELECT set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false)",
    );
    set.bind(limit).execute(connection).await.map(drop)
}

/// Returns the role of this connection.
pub async fn current_role(connection: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT current_user::text").fetch_one(connection).await
}

/// Returns the name of the database of this connection.
pub async fn current_database(connection: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT current_database()::text").fetch_one(connection).await
}

/// Takes the advisory lock `key` for this connection. Returns `false` if another connection has it.
pub async fn try_lock(connection: &mut PgConnection, key: i64) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key).fetch_one(connection).await
}

/// Releases the advisory lock `key`.
pub async fn unlock(connection: &mut PgConnection, key: i64) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(key).execute(connection).await.map(drop)
}

/// Limits how long a statement of this connection waits for a lock, in PostgreSQL's notation (`5s`); `0` means no limit.
pub async fn set_lock_timeout(connection: &mut PgConnection, timeout: &str) -> sqlx::Result<()> {
    let set = sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(timeout);
    set.execute(connection).await.map(drop)
}

/// Returns the indexes whose creation was interrupted.
pub async fn invalid_indexes(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let find = sqlx::query_scalar("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid");
    find.fetch_all(connection).await
}

/// Refuses a name that PostgreSQL would cut: it would mean another database or role.
fn check_name(name: &str) -> sqlx::Result<()> {
    let bytes = name.len();
    if bytes <= MAX_NAME_BYTES {
        return Ok(());
    }
    Err(sqlx::Error::InvalidArgument(format!(
        "the name {name} has {bytes} bytes; PostgreSQL would cut it at {MAX_NAME_BYTES}"
    )))
}

/// Quotes an identifier (PostgreSQL manual, 4.1.1). Refuses one that PostgreSQL would cut.
pub(super) fn quote(name: &str) -> sqlx::Result<String> {
    check_name(name)?;
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// Quotes a text, whatever `standard_conforming_strings` is (PostgreSQL manual, 4.1.2.2).
pub(super) fn literal(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    format!("{escape}'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_postgresql_would_cut_reaches_no_statement() {
        assert_eq!(quote("a\"b").expect("a name"), "\"a\"\"b\"");
        // The limit is in bytes.
        for (longest, too_long) in [("a".repeat(63), "a".repeat(64)), ("é".repeat(31), "é".repeat(32))] {
            quote(&longest).expect("a name");
            let error = quote(&too_long).expect_err("64 bytes").to_string();
            assert!(error.contains("would cut it at 63"), "{error}");
        }
    }
}
