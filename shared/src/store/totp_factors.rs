//! The `totp_factors` table: the authenticator apps of users.

use crate::{db::Tx, domain::ids::UserId};

/// The app of a user.
pub struct TotpFactor {
    /// The encrypted seed.
    pub sealed: Vec<u8>,
    /// Whether the user has shown a code.
    pub confirmed: bool,
}

/// Returns the context under which the seed of `user` is encrypted: it can be decrypted for this user only.
#[must_use]
pub fn seal_context(user: UserId) -> Vec<u8> {
    format!("totp\n{user}").into_bytes()
}

/// Inserts an app that is not confirmed yet, in place of another one that is not. Returns `false` if the user has a confirmed one.
pub async fn start(tx: &mut Tx, user: UserId, sealed: &[u8]) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        INSERT INTO totp_factors (user_id, sealed, created_at)
        VALUES ($1, $2, $3)
        ON CONFLICT (user_id) DO UPDATE
        SET sealed = EXCLUDED.sealed, created_at = EXCLUDED.created_at, last_step = 0
        WHERE totp_factors.confirmed_at IS NULL
        "#,
        user as UserId,
        sealed,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Returns the app of `user`, confirmed or not.
pub async fn find(tx: &mut Tx, user: UserId) -> sqlx::Result<Option<TotpFactor>> {
    sqlx::query_as!(
        TotpFactor,
        r#"SELECT sealed, confirmed_at IS NOT NULL AS "confirmed!" FROM totp_factors WHERE user_id = $1"#,
        user as UserId,
    )
    .fetch_optional(tx)
    .await
}

/// Confirms the app of `user` with the seed `sealed`, and uses up the code of `step`. Returns `false` if no such app waits for it.
pub async fn confirm(tx: &mut Tx, user: UserId, sealed: &[u8], step: i64) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE totp_factors
        SET confirmed_at = $4, last_step = $3
        WHERE user_id = $1 AND sealed = $2 AND confirmed_at IS NULL AND last_step < $3
        "#,
        user as UserId,
        sealed,
        step,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Uses up the code of `step`, and all codes before it. Of concurrent calls, one succeeds.
pub async fn consume(tx: &mut Tx, user: UserId, step: i64) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        UPDATE totp_factors
        SET last_step = $2
        WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2
        "#,
        user as UserId,
        step,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Returns up to `limit` users after `after` whose seed is not encrypted with the key `key`, and their seeds.
pub async fn sealed_with_other_keys(
    tx: &mut Tx,
    key: &[u8],
    after: UserId,
    limit: i64,
) -> sqlx::Result<Vec<(UserId, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"
        SELECT user_id AS "user_id: UserId", sealed
        FROM totp_factors
        WHERE user_id > $2 AND substring(sealed FROM 1 FOR 4) <> $1
        ORDER BY user_id
        LIMIT $3
        "#,
        key,
        after as UserId,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.sealed)).collect())
}

/// Counts the seeds that are not encrypted with the key `key`.
pub async fn count_sealed_with_other_keys(tx: &mut Tx, key: &[u8]) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM totp_factors WHERE substring(sealed FROM 1 FOR 4) <> $1"#,
        key,
    )
    .fetch_one(tx)
    .await
}

/// Replaces the encrypted seed of `user`, if it is still `old`.
pub async fn reseal(tx: &mut Tx, user: UserId, old: &[u8], new: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE totp_factors SET sealed = $3 WHERE user_id = $1 AND sealed = $2",
        user as UserId,
        old,
        new,
    )
    .execute(tx)
    .await
    .map(drop)
}
