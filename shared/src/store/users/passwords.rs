//! The passwords of users.

use super::User;
use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{ids::UserId, input::Email},
};

/// A user's id and password hash, for a sign-in.
pub struct Credentials {
    pub id: UserId,
    /// `None` if the user has no password.
    pub password_hash: Option<String>,
}

/// Loads the credentials of the active user with `email`, ignoring case.
pub async fn credentials_by_email(tx: &mut Tx, email: &Email) -> sqlx::Result<Option<Credentials>> {
    sqlx::query_as!(
        Credentials,
        r#"
        SELECT id AS "id: UserId", password_hash
        FROM users
        WHERE lower(email) = lower($1) AND deleted_at IS NULL AND suspended_at IS NULL
        "#,
        email.as_ref(),
    )
    .fetch_optional(tx)
    .await
}

/// Returns the password hash of the user, unless deleted.
pub async fn password_hash(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL", id as UserId,)
        .fetch_optional(tx)
        .await
        .map(Option::flatten)
}

/// Loads and locks the user, if the password hash still is `seen`.
pub async fn lock_password(tx: &mut Tx, id: UserId, seen: &str) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL AND suspended_at IS NULL
        FOR SHARE
        "#,
        id as UserId,
        seen,
    )
    .fetch_optional(tx)
    .await
}

/// Replaces the password hash `seen` by `new`; `false` if the hash has changed.
///
/// The version stays, because the profile does not contain the password.
pub async fn replace_password(tx: &mut Tx, id: UserId, seen: &str, new: &str) -> sqlx::Result<bool> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    let result = sqlx::query!(
        r#"
        UPDATE users
        SET password_hash = $3, updated_at = $4
        WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL AND suspended_at IS NULL
        "#,
        id as UserId,
        seen,
        new,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Sets or removes the password of the user, whatever the old one was.
pub async fn set_password(tx: &mut Tx, id: UserId, hash: Option<&str>) -> sqlx::Result<()> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    sqlx::query!(
        "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1 AND deleted_at IS NULL",
        id as UserId,
        hash,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}
