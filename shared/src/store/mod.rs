//! The database's tables, one file each; one function per question. No SQL stands anywhere else.

pub mod audit_events;
pub mod organizations;
pub mod sessions;
pub mod users;
pub mod verification_tokens;

use crate::db::Tx;

/// Whether the database answers.
pub async fn ping(tx: &mut Tx) -> sqlx::Result<()> {
    sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(tx).await.map(drop)
}
