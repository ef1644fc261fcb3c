//! SQL: one file per table, one function per statement. No SQL is anywhere else.

/// Reads a page of a list whose ids are `UUIDv7`, so that their order is the order of creation.
///
/// The statement must end where another condition can follow. `$1` is the id of the last row of the previous page and `$2` the
/// number of rows to read; the statement's own arguments begin with `$3`.
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

pub mod addresses;
pub mod api_keys;
pub mod artifact_labels;
pub mod artifacts;
pub mod audit_events;
pub mod chunks;
pub mod contents;
pub mod conversations;
pub mod database;
pub mod database_properties;
pub mod databases;
pub mod due_objects;
pub mod embedding_spaces;
pub mod idempotency_records;
pub mod identities;
pub mod ingestion;
pub mod invitations;
pub mod labels;
pub mod mail_suppressions;
pub mod members;
pub mod message_sources;
pub mod messages;
pub mod oauth_flows;
pub mod object_deletions;
pub mod organization_totals;
pub mod organizations;
pub mod passkey_ceremonies;
pub mod passkeys;
pub mod personal_data;
pub mod ready_artifacts;
pub mod recount;
pub mod recovery_codes;
pub mod restoring_role;
pub mod retention;
pub mod search;
pub mod sessions;
pub mod sign_in_challenges;
pub mod stuck_artifacts;
pub mod token_budgets;
pub mod totp_factors;
pub mod usage_days;
pub mod users;
pub mod verification_tokens;

use crate::db::Tx;

/// Fails if the database is unavailable.
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
            include_str!("users/second_factor.rs"),
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

    /// The rotation of a refresh token changes no cached data.
    fn changes_cached(function: &str) -> bool {
        function.contains("UPDATE users") || function.contains("SET revoked_at")
    }
}
