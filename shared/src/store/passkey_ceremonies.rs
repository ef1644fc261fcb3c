//! The `passkey_ceremonies` table: ceremonies with passkeys that have begun.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    db::Tx,
    domain::ids::{PasskeyCeremonyId, PasskeyId, UserId},
};

/// The time in which the credential must come.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// The time in which the code of a sign-in can be used.
const CODE_LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// A ceremony that is used up.
pub struct Consumed {
    pub id: PasskeyCeremonyId,
    pub sealed: Vec<u8>,
}

/// Inserts the ceremony in which `user` adds a passkey, or a sign-in. Returns its end.
pub async fn begin(
    tx: &mut Tx,
    user: Option<UserId>,
    token_hash: &[u8],
    sealed: &[u8],
) -> sqlx::Result<DateTime<Utc>> {
    let now = tx.now();
    let expires_at = now + LIFETIME;
    sqlx::query!(
        r#"
        INSERT INTO passkey_ceremonies (id, purpose, user_id, token_hash, sealed, created_at, expires_at)
        VALUES ($1, CASE WHEN $2::uuid IS NULL THEN 'sign_in' ELSE 'add' END, $2, $3, $4, $5, $6)
        "#,
        PasskeyCeremonyId::new() as PasskeyCeremonyId,
        user as Option<UserId>,
        token_hash,
        sealed,
        now,
        expires_at,
    )
    .execute(tx)
    .await?;
    Ok(expires_at)
}

/// Uses up the ceremony in which `user` adds a passkey. Of concurrent calls, one succeeds.
pub async fn consume_addition(
    tx: &mut Tx,
    user: UserId,
    token_hash: &[u8],
) -> sqlx::Result<Option<Consumed>> {
    let now = tx.now();
    sqlx::query_as!(
        Consumed,
        r#"
        UPDATE passkey_ceremonies
        SET consumed_at = $3
        WHERE user_id = $1 AND token_hash = $2 AND purpose = 'add' AND consumed_at IS NULL AND expires_at > $3
        RETURNING id AS "id: PasskeyCeremonyId", sealed
        "#,
        user as UserId,
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Uses up a sign-in. Of concurrent calls, one succeeds. Lock the user first.
pub async fn consume_sign_in(tx: &mut Tx, token_hash: &[u8]) -> sqlx::Result<Option<Consumed>> {
    let now = tx.now();
    sqlx::query_as!(
        Consumed,
        r#"
        UPDATE passkey_ceremonies
        SET consumed_at = $2
        WHERE token_hash = $1 AND purpose = 'sign_in' AND consumed_at IS NULL AND expires_at > $2
        RETURNING id AS "id: PasskeyCeremonyId", sealed
        "#,
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Records who signed in, and the hash of the code for which `auth` learns it. Returns the end of the code.
pub async fn arrive(
    tx: &mut Tx,
    id: PasskeyCeremonyId,
    user: UserId,
    passkey: PasskeyId,
    code_hash: &[u8],
) -> sqlx::Result<DateTime<Utc>> {
    let expires_at = tx.now() + CODE_LIFETIME;
    sqlx::query!(
        "UPDATE passkey_ceremonies SET user_id = $2, passkey_id = $3, code_hash = $4, expires_at = $5 WHERE id = $1",
        id as PasskeyCeremonyId,
        user as UserId,
        passkey as PasskeyId,
        code_hash,
        expires_at,
    )
    .execute(tx)
    .await?;
    Ok(expires_at)
}

/// Returns the user of the code. Lock the user, then call [`exchange`].
pub async fn find_user(tx: &mut Tx, code_hash: &[u8]) -> sqlx::Result<Option<UserId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"
        SELECT user_id AS "user_id!: UserId"
        FROM passkey_ceremonies
        WHERE code_hash = $1 AND exchanged_at IS NULL AND expires_at > $2 AND user_id IS NOT NULL
        "#,
        code_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Uses up a code of `user`, who is locked. Of concurrent calls, one succeeds.
pub async fn exchange(tx: &mut Tx, user: UserId, code_hash: &[u8]) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE passkey_ceremonies
        SET exchanged_at = $3
        WHERE user_id = $1 AND code_hash = $2 AND exchanged_at IS NULL AND expires_at > $3
        "#,
        user as UserId,
        code_hash,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
