//! The `recovery_codes` table: codes that replace a lost second factor, each once.

use crate::{db::Tx, domain::ids::UserId};

/// Replaces all codes of `user` by those with the keyed hashes `hashes`.
pub async fn replace(tx: &mut Tx, user: UserId, hashes: &[Vec<u8>]) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        WITH old AS (
            DELETE FROM recovery_codes WHERE user_id = $1
        )
        INSERT INTO recovery_codes (user_id, code_hash, created_at)
        SELECT $1, hash, $3::timestamptz FROM unnest($2::bytea[]) AS hash
        "#,
        user as UserId,
        hashes,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Counts the codes of `user` that are left.
pub async fn count(tx: &mut Tx, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM recovery_codes WHERE user_id = $1"#,
        user as UserId,
    )
    .fetch_one(tx)
    .await
}

/// Uses up the code with the keyed hash `hash`. Returns how many are left; `None` if there is no such code. Of concurrent calls, one succeeds.
pub async fn consume(tx: &mut Tx, user: UserId, hash: &[u8]) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"
        WITH used AS (
            DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2
            RETURNING code_hash
        )
        SELECT (SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND code_hash <> $2) AS "left!" FROM used
        "#,
        user as UserId,
        hash,
    )
    .fetch_optional(tx)
    .await
}
