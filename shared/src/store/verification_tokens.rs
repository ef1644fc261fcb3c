//! The `verification_tokens` table.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    ids::{UserId, VerificationTokenId},
};

/// A proof that has just been used up.
pub struct Consumed {
    /// Who gave it.
    pub user_id: UserId,
    /// What it is for.
    pub email: String,
}

/// Adds a proof to be mailed to `email`.
pub async fn insert(
    tx: &mut Tx,
    user: UserId,
    email: &str,
    token_hash: &[u8],
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO verification_tokens (id, user_id, email, token_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        "#,
        VerificationTokenId::new() as VerificationTokenId,
        user as UserId,
        email,
        token_hash,
        now,
        expires_at,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Uses a proof up; of any number who try at once, one gets it.
pub async fn consume(tx: &mut Tx, token_hash: &[u8], now: DateTime<Utc>) -> sqlx::Result<Option<Consumed>> {
    sqlx::query_as!(
        Consumed,
        r#"
        UPDATE verification_tokens
        SET consumed_at = $2
        WHERE token_hash = $1 AND consumed_at IS NULL AND expires_at > $2
        RETURNING user_id AS "user_id: UserId", email
        "#,
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}
