//! The passwords of users.

use super::User;
use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{ids::UserId, input::Email},
};

/// What a sign-in needs of a user.
pub struct Credentials {
    /// Whose.
    pub id: UserId,
    /// The hash of their password, if they have one.
    pub password_hash: Option<String>,
}

/// How the living user with `email`, in whatever case, signs in, unless suspended.
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

/// The hash of the living user's password.
pub async fn password_hash(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL", id as UserId,)
        .fetch_optional(tx)
        .await
        .map(Option::flatten)
}

/// The living user, if they still have the password hash `seen`; nobody changes it before this transaction ends.
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

/// Replaces the password hash `seen` by `new`; `false` if it is no longer there.
///
/// The version stays: a password is no part of what the profile shows.
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

/// Gives the living user a new password, whatever the old one was.
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
