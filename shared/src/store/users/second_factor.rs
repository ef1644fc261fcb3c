//! Whether a sign-in of a user needs a second factor.

use super::User;
use crate::{cache::invalidation::CacheKey, db::Tx, domain::ids::UserId};

/// Checks whether the user is known to be the owner of the address: it is verified, and somebody who had proved it set the password and
/// linked each identity. Otherwise another person may have registered the account.
pub async fn is_owner_known(tx: &mut Tx, id: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT
            email_verified_at IS NOT NULL AND (password_hash IS NULL OR password_proved)
            AND coalesce((SELECT bool_and(proved) FROM identities WHERE user_id = users.id), true) AS "known!"
        FROM users
        WHERE id = $1
        "#,
        id as UserId,
    )
    .fetch_optional(tx)
    .await
    .map(|known| known == Some(true))
}

/// Lets every sign-in of an active user ask for a second factor.
pub async fn require_second_factor(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET second_factor_at = $2, updated_at = $2, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND suspended_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Removes the app, the recovery codes and the begun sign-ins of a user who is not deleted, and lets no sign-in ask for a second factor.
pub async fn remove_second_factors(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        WITH app AS (
            DELETE FROM totp_factors WHERE user_id = $1
        ), codes AS (
            DELETE FROM recovery_codes WHERE user_id = $1
        ), begun AS (
            DELETE FROM sign_in_challenges WHERE user_id = $1
        )
        UPDATE users
        SET second_factor_at = NULL, updated_at = $2, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        now,
    )
    .fetch_optional(tx)
    .await
}
