//! The tables of the database, one file each. All SQL is here, one function per query.

/// Loads a page of a list whose ids are `UUIDv7`, so that their order is the order of creation.
///
/// The statement must end where a condition can be added with `AND`. In it `$1` is the id after which the page begins, `$2` the number
/// of rows to read. Its own arguments begin with `$3`.
macro_rules! page_of {
    ($tx:expr, $page:expr, $row:ty, $sql:tt, $id:tt, $($argument:tt)*) => {{
        let (after, rows) = ($page.after().map(|position| position.id), $page.rows());
        match $page.sort() {
            $crate::domain::page::Sort::NewestFirst => {
                sqlx::query_as!(
                    $row,
                    $sql + " AND ($1::uuid IS NULL OR " + $id + " < $1) ORDER BY " + $id + " DESC LIMIT $2",
                    after, rows, $($argument)*
                )
                .fetch_all($tx)
                .await
            }
            $crate::domain::page::Sort::OldestFirst => {
                sqlx::query_as!(
                    $row,
                    $sql + " AND ($1::uuid IS NULL OR " + $id + " > $1) ORDER BY " + $id + " LIMIT $2",
                    after, rows, $($argument)*
                )
                .fetch_all($tx)
                .await
            }
        }
    }};
}

pub mod api_keys;
pub mod audit_events;
pub mod contents;
pub mod database;
pub mod idempotency_records;
pub mod invitations;
pub mod members;
pub mod organizations;
pub mod personal_data;
pub mod retention;
pub mod sessions;
pub mod users;
pub mod verification_tokens;

use crate::db::Tx;

/// Checks that the database answers.
pub async fn ping(tx: &mut Tx) -> sqlx::Result<()> {
    sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(tx).await.map(drop)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_change_of_cached_rows_invalidates_the_cache() {
        let files = [
            include_str!("sessions.rs"),
            include_str!("users/mod.rs"),
            include_str!("users/passwords.rs"),
            include_str!("users/administration.rs"),
        ];
        let functions = files.iter().flat_map(|file| file.split("pub async fn "));
        let changing: Vec<_> = functions.filter(|f| changes_cached(f) && f.contains("tx: &mut Tx")).collect();
        assert!(changing.len() > 10);
        for function in changing {
            let name = function.split('(').next().unwrap_or_default();
            assert!(
                function.contains("tx.invalidate(CacheKey::"),
                "{name} does not invalidate what it changes"
            );
        }
    }

    /// Rotating a refresh token changes nothing that is cached.
    fn changes_cached(function: &str) -> bool {
        function.contains("UPDATE users") || function.contains("SET revoked_at")
    }
}
