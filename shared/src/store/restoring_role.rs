//! The role that restores a backup: it owns the scratch database and nothing else.
//!
//! An archive is a program in SQL. This role runs it, so that it can do nothing outside the scratch database.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};

use super::database::{literal, quote};

/// Creates the role `name`, which can log in until `valid_until` with the password of `verifier`. The owner becomes a member of it.
pub async fn create(
    owner: &mut PgConnection,
    name: &str,
    verifier: &str,
    valid_until: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (name, verifier) = (quote(name)?, literal(verifier));
    run(
        owner,
        format!(
            "CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
                PASSWORD {verifier} VALID UNTIL '{}';
             GRANT {name} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE",
            valid_until.to_rfc3339()
        ),
    )
    .await
}

/// The extensions of the migrations, and PostgreSQL's own. Another one would give the archive what it does not need, such as
/// connections to other servers (`dblink`).
pub const EXTENSIONS: [&str; 4] = ["btree_gin", "pg_stat_statements", "plpgsql", "vector"];

/// Creates extensions in the database of this connection, unless they exist: a plain role cannot create all of them.
pub async fn create_extensions(
    owner: &mut PgConnection,
    names: impl Iterator<Item = &str>,
) -> anyhow::Result<()> {
    for name in names {
        anyhow::ensure!(EXTENSIONS.contains(&name), "{name} is not one that the migrations create");
        run(owner, format!("CREATE EXTENSION IF NOT EXISTS {}", quote(name)?)).await?;
    }
    Ok(())
}

/// Makes `role` the owner of `database`.
pub async fn give(owner: &mut PgConnection, database: &str, role: &str) -> sqlx::Result<()> {
    run(owner, format!("ALTER DATABASE {} OWNER TO {}", quote(database)?, quote(role)?)).await
}

/// Takes `database` from `role`, and ends its logins. Also removes the settings that it may have given to the database: they would apply
/// to the owner's connections.
pub async fn end_logins(owner: &mut PgConnection, database: &str, role: &str) -> sqlx::Result<()> {
    let name = quote(database)?;
    // First its rights: a connection that is still open can then change no setting.
    run(
        owner,
        format!(
            "ALTER ROLE {} NOLOGIN; ALTER DATABASE {name} OWNER TO CURRENT_USER; ALTER DATABASE {name} RESET ALL",
            quote(role)?
        ),
    )
    .await?;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1";
    sqlx::query(end).bind(role).execute(owner).await.map(drop)
}

/// Makes the owner the owner of all that `role` owns in the database of this connection. Executes nothing of it.
pub async fn take_back(owner: &mut PgConnection, role: &str) -> sqlx::Result<()> {
    let role = quote(role)?;
    run(owner, format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}")).await
}

/// Drops `role`, if it exists. Fails while it owns something.
pub async fn remove(owner: &mut PgConnection, role: &str) -> sqlx::Result<()> {
    run(owner, format!("DROP ROLE IF EXISTS {}", quote(role)?)).await
}

/// Returns the names of the roles that begin with `prefix`.
pub async fn named(owner: &mut PgConnection, prefix: &str) -> sqlx::Result<Vec<String>> {
    let find = "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname::text, $1)";
    sqlx::query_scalar(find).bind(prefix).fetch_all(owner).await
}

async fn run(connection: &mut PgConnection, statements: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await.map(drop)
}
