//! The password hashes of users.

use super::User;
use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{ids::UserId, input::Email},
};

/// The part of a user that a sign-in needs.
pub struct Credentials {
    pub id: UserId,
    /// `None` if the user has no password.
    pub password_hash: Option<String>,
}

/// Returns the credentials of the user with `email`, ignoring case, if neither deleted nor suspended.
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

/// Checks whether a user who is not deleted still has a password that was imported
/// ([`crate::crypto::imported_password`]).
pub async fn has_imported_passwords(tx: &mut Tx) -> sqlx::Result<bool> {
    // Only the partial index has this order: without it, the planner might read the whole table until it finds one.
    sqlx::query_scalar!(
        r#"
        SELECT (SELECT true FROM users
                WHERE password_hash LIKE '$imported$%' AND deleted_at IS NULL
                ORDER BY created_at LIMIT 1) IS NOT NULL AS "has_imported!"
        "#,
    )
    .fetch_one(tx)
    .await
}

/// Returns the hash of the user's password, if the user is not deleted and has a password.
pub async fn password_hash(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1 AND deleted_at IS NULL", id as UserId,)
        .fetch_optional(tx)
        .await
        .map(Option::flatten)
}

/// The proofs that a user can be asked for.
pub struct Proofs {
    /// `None` if the user has no password.
    pub password_hash: Option<String>,
    pub has_second_factor: bool,
}

/// Returns the proofs that the user can be asked for, if the user is not deleted.
pub async fn proofs(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<Proofs>> {
    sqlx::query_as!(
        Proofs,
        r#"
        SELECT password_hash, second_factor_at IS NOT NULL AS "has_second_factor!"
        FROM users
        WHERE id = $1 AND deleted_at IS NULL
        "#,
        id as UserId,
    )
    .fetch_optional(tx)
    .await
}

/// The ways in which a user can sign in.
pub struct SignInMethods {
    pub password: bool,
    /// Through mail to the verified address.
    pub email: bool,
}

/// Returns the ways in which the user can sign in, if not deleted.
pub async fn sign_in_methods(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<SignInMethods>> {
    sqlx::query_as!(
        SignInMethods,
        r#"
        SELECT password_hash IS NOT NULL AS "password!", email_verified_at IS NOT NULL AS "email!"
        FROM users
        WHERE id = $1 AND deleted_at IS NULL
        "#,
        id as UserId,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks an active user until the transaction ends, if the hash of the password is still `expected_hash`.
///
/// A shared lock: other transactions can lock the user in the same way, but not change it. A transaction that locks the user again,
/// or changes it, calls [`lock`](super::lock) first: two that hold the shared lock and want the other one deadlock.
pub async fn lock_password(tx: &mut Tx, id: UserId, expected_hash: &str) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL AND suspended_at IS NULL
        FOR SHARE
        "#,
        id as UserId,
        expected_hash,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks a user who is not deleted until the transaction ends, if the hash of the password is still `expected_hash`.
pub async fn lock_with_password(tx: &mut Tx, id: UserId, expected_hash: &str) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        "FROM users WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL FOR NO KEY UPDATE",
        id as UserId,
        expected_hash,
    )
    .fetch_optional(tx)
    .await
}

/// Replaces the password hash `expected_hash` by `new`. `None` if the user has another hash or is not active. `is_changed`: it is the
/// hash of another password, so devices are forgotten.
///
/// Keeps the version: the password is not part of the profile.
pub async fn replace_password(
    tx: &mut Tx,
    id: UserId,
    expected_hash: &str,
    new: &str,
    is_changed: bool,
) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET password_hash = $3, updated_at = $4,
            devices_forgotten_at = CASE WHEN $5 THEN $4 ELSE devices_forgotten_at END
        WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL AND suspended_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        expected_hash,
        new,
        now,
        is_changed,
    )
    .fetch_optional(tx)
    .await
}

/// Sets the password of an active user, if the address is still `email`, marks that address as verified, and forgets the devices. Does
/// not check the old password. Removes identities that nobody who had proved the address linked. Returns whether it did.
pub async fn reset_password(tx: &mut Tx, id: UserId, email: &str, hash: &str) -> sqlx::Result<bool> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    sqlx::query_scalar!(
        r#"
        WITH reset AS (
            UPDATE users
            SET password_hash = $3, password_proved = true, email_verified_at = coalesce(email_verified_at, $4),
                devices_forgotten_at = $4, updated_at = $4, version = version + 1
            WHERE id = $1 AND email = $2 AND deleted_at IS NULL AND suspended_at IS NULL
            RETURNING id
        ), unproved AS (
            DELETE FROM identities
            USING reset
            WHERE identities.user_id = reset.id AND NOT identities.proved
        )
        SELECT EXISTS (SELECT 1 FROM reset) AS "reset!"
        "#,
        id as UserId,
        email,
        hash,
        now,
    )
    .fetch_one(tx)
    .await
}

/// Removes the password of a user who is not deleted, and forgets the devices.
///
/// Keeps the version: the password is not part of the profile.
pub async fn remove_password(tx: &mut Tx, id: UserId) -> sqlx::Result<()> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    sqlx::query!(
        r#"
        UPDATE users
        SET password_hash = NULL, password_proved = false, devices_forgotten_at = $2, updated_at = $2
        WHERE id = $1 AND deleted_at IS NULL
        "#,
        id as UserId,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Removes the password and the identities of a user who is not deleted, if nobody who had proved the address set or linked them, and then
/// forgets the devices. Returns whether there were any. The user is locked.
pub async fn remove_unproved_ways_in(tx: &mut Tx, id: UserId) -> sqlx::Result<bool> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    // One statement, because each costs a round trip.
    sqlx::query_scalar!(
        r#"
        WITH unproved AS (
            DELETE FROM identities
            WHERE user_id = $1 AND NOT proved
            RETURNING id
        ), changed AS (
            UPDATE users
            SET password_hash = CASE WHEN password_proved THEN password_hash END,
                devices_forgotten_at = $2, updated_at = $2
            WHERE id = $1 AND deleted_at IS NULL
                AND (NOT password_proved AND password_hash IS NOT NULL OR EXISTS (SELECT 1 FROM unproved))
            RETURNING id
        )
        SELECT EXISTS (SELECT 1 FROM changed) AS "removed!"
        "#,
        id as UserId,
        now,
    )
    .fetch_one(tx)
    .await
}
