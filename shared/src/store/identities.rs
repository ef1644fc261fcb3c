//! The `identities` table: who users are at identity providers.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        ids::{IdentityId, UserId},
        provider::ProviderIdentity,
    },
};

/// An identity, as its user sees it.
pub struct Identity {
    pub id: IdentityId,
    pub provider: String,
    /// The address at the provider.
    pub email: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// An identity that becomes a way to sign in.
pub struct NewIdentity<'a> {
    pub user: UserId,
    pub provider: &'a str,
    pub identity: &'a ProviderIdentity,
    /// Whether the person has proved to read the address of the account. `None`: a user who is signed in links it; then every other
    /// way to sign in must be proved.
    pub proved: Option<bool>,
}

/// The user of an identity.
pub struct Owner {
    pub user_id: UserId,
    pub is_deleted: bool,
}

/// Returns the identities of `user`, the oldest first.
pub async fn list(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<Identity>> {
    sqlx::query_as!(
        Identity,
        r#"
        SELECT id AS "id: IdentityId", provider, email, created_at, last_used_at
        FROM identities
        WHERE user_id = $1
        ORDER BY created_at, id
        "#,
        user as UserId,
    )
    .fetch_all(tx)
    .await
}

/// Returns the user of the identity, deleted or not.
pub async fn owner(tx: &mut Tx, identity: &ProviderIdentity) -> sqlx::Result<Option<Owner>> {
    sqlx::query_as!(
        Owner,
        r#"
        SELECT i.user_id AS "user_id: UserId", u.deleted_at IS NOT NULL AS "is_deleted!"
        FROM identities i
        JOIN users u ON u.id = i.user_id
        WHERE i.issuer = $1 AND i.subject = $2
        "#,
        identity.issuer,
        identity.subject,
    )
    .fetch_optional(tx)
    .await
}

/// Makes the identity a way to sign in of a user, who is locked. An identity of a deleted user moves. `None` if another user has it, or this
/// one has it already.
pub async fn link(tx: &mut Tx, new: &NewIdentity<'_>) -> sqlx::Result<Option<IdentityId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"
        INSERT INTO identities (id, user_id, provider, issuer, subject, email, proved, created_at, last_used_at)
        VALUES ($1, $2, $3, $4, $5, $6,
                coalesce($7, (
                    SELECT u.email_verified_at IS NOT NULL AND (u.password_hash IS NULL OR u.password_proved)
                           AND coalesce((SELECT bool_and(i.proved) FROM identities i WHERE i.user_id = u.id), true)
                    FROM users u
                    WHERE u.id = $2
                ), false),
                $8, $8)
        ON CONFLICT ON CONSTRAINT identities_issuer_subject_key DO UPDATE
        SET id = excluded.id, user_id = excluded.user_id, provider = excluded.provider, email = excluded.email,
            proved = excluded.proved, created_at = excluded.created_at, last_used_at = excluded.last_used_at
        WHERE EXISTS (SELECT 1 FROM users u WHERE u.id = identities.user_id AND u.deleted_at IS NOT NULL)
        RETURNING id AS "id: IdentityId"
        "#,
        IdentityId::new() as IdentityId,
        new.user as UserId,
        new.provider,
        new.identity.issuer,
        new.identity.subject,
        new.identity.email,
        new.proved,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Records that `user` signed in with the identity, and the address that it has now. Returns whether it is still the user's.
pub async fn record_use(tx: &mut Tx, user: UserId, identity: &ProviderIdentity) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE identities
        SET last_used_at = $4, email = coalesce($5, email)
        WHERE user_id = $1 AND issuer = $2 AND subject = $3
        "#,
        user as UserId,
        identity.issuer,
        identity.subject,
        now,
        identity.email,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Marks the identities of `user` as linked by somebody who has proved the address of the account.
pub async fn prove(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("UPDATE identities SET proved = true WHERE user_id = $1 AND NOT proved", user as UserId)
        .execute(tx)
        .await
        .map(drop)
}

/// Removes an identity of `user`. Returns the name of its provider; `None` if the user has no such identity.
pub async fn remove(tx: &mut Tx, user: UserId, id: IdentityId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "DELETE FROM identities WHERE user_id = $1 AND id = $2 RETURNING provider",
        user as UserId,
        id as IdentityId,
    )
    .fetch_optional(tx)
    .await
}

/// Removes all identities of `user`.
pub async fn remove_all(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM identities WHERE user_id = $1", user as UserId).execute(tx).await.map(drop)
}
