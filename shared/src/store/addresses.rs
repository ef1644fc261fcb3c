//! All columns with mail addresses, for `migrate`.

use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// The tables with mail addresses, and their columns.
pub const COLUMNS: [(&str, &str); 4] = [
    ("users", "email"),
    ("invitations", "email"),
    ("organizations", "billing_email"),
    ("verification_tokens", "email"),
];

/// Returns the rows of `table` whose address has characters outside of ASCII.
pub async fn not_ascii(
    connection: &mut PgConnection,
    (table, column): (&str, &str),
) -> sqlx::Result<Vec<(Uuid, String)>> {
    let find = format!(r"SELECT id, {column} FROM {table} WHERE {column} ~ '[^\x01-\x7f]' ORDER BY id");
    sqlx::query_as(AssertSqlSafe(find)).fetch_all(connection).await
}

/// Replaces the address `old` of the row `id`. Returns `false` if another row has `new` already; then nothing changes.
pub async fn replace(
    connection: &mut PgConnection,
    (table, column): (&str, &str),
    id: Uuid,
    (old, new): (&str, &str),
) -> sqlx::Result<bool> {
    let replace = format!("UPDATE {table} SET {column} = $3 WHERE id = $1 AND {column} = $2");
    let replaced = sqlx::query(AssertSqlSafe(replace)).bind(id).bind(old).bind(new).execute(connection).await;
    match replaced {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        replaced => replaced.map(|_| true),
    }
}
