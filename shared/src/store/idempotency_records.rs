//! The `idempotency_records` table.

use chrono::{DateTime, Utc};

use crate::db::Tx;

/// Locks `key` until the transaction ends. Returns `false` if another transaction has locked it.
pub async fn try_lock(tx: &mut Tx, key: &[u8]) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended(encode($1, 'hex'), 0)) AS "locked!""#,
        key
    )
    .fetch_one(tx)
    .await
}

/// Returns the encrypted response that is stored under `key` and not expired.
pub async fn find(tx: &mut Tx, key: &[u8]) -> sqlx::Result<Option<Vec<u8>>> {
    let now = tx.now();
    sqlx::query_scalar!(
        "SELECT sealed FROM idempotency_records WHERE key_hash = $1 AND expires_at > $2",
        key,
        now
    )
    .fetch_optional(tx)
    .await
}

/// Stores `sealed` under `key` and replaces what was stored there. Also deletes some expired records, which may contain API keys.
pub async fn replace(tx: &mut Tx, key: &[u8], sealed: &[u8], expires_at: DateTime<Utc>) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        WITH expired AS (
            DELETE FROM idempotency_records
            WHERE key_hash IN (
                SELECT key_hash FROM idempotency_records
                WHERE expires_at <= $4 AND key_hash <> $1
                ORDER BY expires_at
                LIMIT 10
                FOR UPDATE SKIP LOCKED
            )
        )
        INSERT INTO idempotency_records (key_hash, sealed, expires_at)
        VALUES ($1, $2, $3)
        ON CONFLICT (key_hash) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at
        "#,
        key,
        sealed,
        expires_at,
        now,
    )
    .execute(tx.deferred())
    .await
    .map(drop)
}
