//! The users to whom tokens were mailed.

use super::User;
use crate::{db::Tx, domain::ids::UserId, store::verification_tokens::Purpose};

/// Returns the user of the token, deleted or not, if the token is valid.
pub async fn find_by_token(tx: &mut Tx, purpose: Purpose, token_hash: &[u8]) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = (
            SELECT user_id FROM verification_tokens
            WHERE purpose = $1 AND token_hash = $2 AND consumed_at IS NULL AND expires_at > $3
        )
        "#,
        purpose.as_str(),
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks the user of the token, deleted or not, until the transaction ends, if the token is valid.
///
/// Another transaction may use up the token while this one waits for the lock, so it must be consumed afterwards.
pub async fn lock_by_token(tx: &mut Tx, purpose: Purpose, token_hash: &[u8]) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = (
            SELECT user_id FROM verification_tokens
            WHERE purpose = $1 AND token_hash = $2 AND consumed_at IS NULL AND expires_at > $3
        )
        FOR NO KEY UPDATE OF users
        "#,
        purpose.as_str(),
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}
