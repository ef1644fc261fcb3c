//! The users of identities and of passkeys.

use super::User;
use crate::{
    db::Tx,
    domain::{ids::UserId, provider::ProviderIdentity},
};

/// Loads and locks the user of the identity until the transaction ends, if not deleted.
///
/// Another transaction may remove the identity while this one waits for the lock, so it must be used afterwards:
/// [`record_use`](crate::store::identities::record_use).
pub async fn lock_by_identity(tx: &mut Tx, identity: &ProviderIdentity) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = (SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2) AND deleted_at IS NULL
        FOR NO KEY UPDATE OF users
        "#,
        identity.issuer,
        identity.subject,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks the user of the passkey with this credential id until the transaction ends, if not deleted.
///
/// Another transaction may remove the passkey while this one waits for the lock, so it must be loaded afterwards:
/// [`find`](crate::store::passkeys::find).
pub async fn lock_by_passkey(tx: &mut Tx, credential_id: &[u8]) -> sqlx::Result<Option<User>> {
    users!(
        "SELECT",
        r#"
        FROM users
        WHERE id = (SELECT user_id FROM passkeys WHERE credential_id = $1) AND deleted_at IS NULL
        FOR NO KEY UPDATE OF users
        "#,
        credential_id,
    )
    .fetch_optional(tx)
    .await
}
