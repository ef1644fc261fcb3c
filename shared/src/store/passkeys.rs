//! The `passkeys` table.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        ids::{PasskeyId, UserId},
        passkey::PasskeyView,
    },
};

/// A passkey, as its user sees it.
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    /// Whether it was on several devices, or in a backup, when it was last used.
    pub backed_up: bool,
    pub created_at: DateTime<Utc>,
    /// `None` if it was not used yet.
    pub last_used_at: Option<DateTime<Utc>>,
    pub version: i64,
}

impl From<Passkey> for PasskeyView {
    fn from(passkey: Passkey) -> Self {
        let Passkey { id, name, backed_up, created_at, last_used_at, version: _ } = passkey;
        Self { id, name, backed_up, created_at, last_used_at }
    }
}

/// What verifies a passkey.
pub struct Credential {
    pub id: PasskeyId,
    pub credential_id: Vec<u8>,
    /// JSON, as the library writes it.
    pub public_key: String,
    pub sign_count: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// A passkey that was verified.
pub struct NewPasskey<'a> {
    pub user: UserId,
    pub name: &'a str,
    pub credential_id: &'a [u8],
    pub public_key: &'a str,
    pub sign_count: i64,
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// Returns the passkeys of `user`, the oldest first.
pub async fn list(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<Passkey>> {
    sqlx::query_as!(
        Passkey,
        r#"
        SELECT id AS "id: PasskeyId", name, backed_up, created_at, last_used_at, version
        FROM passkeys
        WHERE user_id = $1
        ORDER BY created_at, id
        "#,
        user as UserId,
    )
    .fetch_all(tx)
    .await
}

/// Returns the ids of the credentials of `user`.
pub async fn credential_ids(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar!("SELECT credential_id FROM passkeys WHERE user_id = $1", user as UserId)
        .fetch_all(tx)
        .await
}

/// Returns the passkey with this credential id, if it is one of `user`'s.
pub async fn find(tx: &mut Tx, user: UserId, credential_id: &[u8]) -> sqlx::Result<Option<Credential>> {
    sqlx::query_as!(
        Credential,
        r#"
        SELECT id AS "id: PasskeyId", credential_id, public_key, sign_count, backup_eligible, backed_up
        FROM passkeys
        WHERE user_id = $1 AND credential_id = $2
        "#,
        user as UserId,
        credential_id,
    )
    .fetch_optional(tx)
    .await
}

/// Inserts a passkey of a user, who is locked. `None` if somebody has the credential already.
pub async fn insert(tx: &mut Tx, new: &NewPasskey<'_>) -> sqlx::Result<Option<Passkey>> {
    let now = tx.now();
    sqlx::query_as!(
        Passkey,
        r#"
        INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name,
                              created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        ON CONFLICT ON CONSTRAINT passkeys_credential_id_key DO NOTHING
        RETURNING id AS "id: PasskeyId", name, backed_up, created_at, last_used_at, version
        "#,
        PasskeyId::new() as PasskeyId,
        new.user as UserId,
        new.credential_id,
        new.public_key,
        new.sign_count,
        new.backup_eligible,
        new.backed_up,
        new.name,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Records that `user`, who is locked, signed in with the passkey. Keeps the version: the user changed nothing.
pub async fn record_use(
    tx: &mut Tx,
    user: UserId,
    id: PasskeyId,
    sign_count: i64,
    backed_up: bool,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "UPDATE passkeys SET sign_count = $3, backed_up = $4, last_used_at = $5 WHERE user_id = $1 AND id = $2",
        user as UserId,
        id as PasskeyId,
        sign_count,
        backed_up,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Checks whether `user` has the passkey.
pub async fn exists(tx: &mut Tx, user: UserId, id: PasskeyId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1 AND id = $2) AS "exists!""#,
        user as UserId,
        id as PasskeyId,
    )
    .fetch_one(tx)
    .await
}

/// Changes the name of a passkey of `user`. `None` if it has none of `versions`.
pub async fn update(
    tx: &mut Tx,
    user: UserId,
    id: PasskeyId,
    name: Option<&str>,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Passkey>> {
    let now = tx.now();
    sqlx::query_as!(
        Passkey,
        r#"
        UPDATE passkeys
        SET name = coalesce($3, name), updated_at = $5, version = version + 1
        WHERE user_id = $1 AND id = $2 AND ($4::bigint[] IS NULL OR version = ANY($4))
        RETURNING id AS "id: PasskeyId", name, backed_up, created_at, last_used_at, version
        "#,
        user as UserId,
        id as PasskeyId,
        name,
        versions,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Removes a passkey of `user`, who is locked. A code that it got does not work any more. Returns whether there was one.
pub async fn remove(tx: &mut Tx, user: UserId, id: PasskeyId) -> sqlx::Result<bool> {
    let result =
        sqlx::query!("DELETE FROM passkeys WHERE user_id = $1 AND id = $2", user as UserId, id as PasskeyId,)
            .execute(tx)
            .await?;
    Ok(result.rows_affected() == 1)
}

/// Removes all passkeys of `user`, who is locked. Returns whether there were any.
pub async fn remove_all(tx: &mut Tx, user: UserId) -> sqlx::Result<bool> {
    let result = sqlx::query!("DELETE FROM passkeys WHERE user_id = $1", user as UserId).execute(tx).await?;
    Ok(result.rows_affected() > 0)
}
