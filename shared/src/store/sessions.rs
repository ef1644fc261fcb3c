//! The `sessions` table.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{
        ids::{SessionId, UserId},
        page::PageQuery,
    },
};

/// The part of a session that its user may see.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: SessionId,
    /// The `User-Agent` of the sign-in.
    pub user_agent: Option<String>,
    /// The source address of the sign-in.
    pub ip_address: Option<String>,
    pub created_at: DateTime<Utc>,
    /// The time of the sign-in or the last refresh.
    pub last_used_at: DateTime<Utc>,
    /// Moved by each refresh.
    pub expires_at: DateTime<Utc>,
}

/// A session that was live when it was last read from the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSession {
    pub user_id: UserId,
    /// The time of the sign-in.
    pub authenticated_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub struct NewSession<'a> {
    pub id: SessionId,
    pub user: UserId,
    /// The keyed hash of the first refresh token.
    pub refresh_token_hash: &'a [u8],
    /// The place of refresh tokens: `body` or `cookie`.
    pub transport: &'a str,
    pub user_agent: Option<&'a str>,
    pub ip_address: Option<&'a str>,
    /// The end of the session if it is not refreshed.
    pub expires_at: DateTime<Utc>,
    /// The end of the session however often it is refreshed.
    pub ends_at: DateTime<Utc>,
}

/// A live session with the hashes that a refresh compares.
pub struct Refreshable {
    pub user_id: UserId,
    /// The keyed hash of the current refresh token.
    pub refresh_token_hash: Vec<u8>,
    /// The keyed hash of the previous refresh token.
    pub previous_refresh_token_hash: Option<Vec<u8>>,
    /// The time of the last refresh.
    pub rotated_at: DateTime<Utc>,
    /// The end of the session however often it is refreshed.
    pub ends_at: DateTime<Utc>,
}

/// Inserts the session of a user who has just signed in.
pub async fn insert(tx: &mut Tx, new: &NewSession<'_>) -> sqlx::Result<Session> {
    let now = tx.now();
    sqlx::query_as!(
        Session,
        r#"
        INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, user_agent, ip_address,
                              created_at, authenticated_at, last_used_at, expires_at, ends_at)
        VALUES ($1, $2, $3, $9, $4, $5, $6, $9, $9, $9, $7, $8)
        RETURNING id AS "id: SessionId", user_agent, ip_address, created_at, last_used_at, expires_at
        "#,
        new.id as SessionId,
        new.user as UserId,
        new.refresh_token_hash,
        new.transport,
        new.user_agent,
        new.ip_address,
        new.expires_at,
        new.ends_at,
        now,
    )
    .fetch_one(tx)
    .await
}

/// Returns the session `id`, if it is live (neither revoked nor expired) and its user is active (neither deleted nor suspended).
pub async fn find_live(tx: &mut Tx, id: SessionId) -> sqlx::Result<Option<LiveSession>> {
    let now = tx.now();
    sqlx::query_as!(
        LiveSession,
        r#"
        SELECT s.user_id AS "user_id: UserId", s.authenticated_at, s.expires_at
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.deleted_at IS NULL
          AND u.suspended_at IS NULL
        "#,
        id as SessionId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Loads and locks the session `id` until the transaction ends, if it is live and its user is active.
pub async fn lock_for_refresh(tx: &mut Tx, id: SessionId) -> sqlx::Result<Option<Refreshable>> {
    let now = tx.now();
    sqlx::query_as!(
        Refreshable,
        r#"
        SELECT s.user_id AS "user_id: UserId", s.refresh_token_hash, s.previous_refresh_token_hash,
               s.rotated_at, s.ends_at
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.deleted_at IS NULL
          AND u.suspended_at IS NULL
        FOR UPDATE OF s
        "#,
        id as SessionId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Replaces the current refresh token by a new one.
pub async fn rotate(
    tx: &mut Tx,
    id: SessionId,
    refresh_token_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE sessions
        SET previous_refresh_token_hash = refresh_token_hash, refresh_token_hash = $2, generation = generation + 1,
            rotated_at = $4, last_used_at = $4, expires_at = $3
        WHERE id = $1
        "#,
        id as SessionId,
        refresh_token_hash,
        expires_at,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Returns a page of the live sessions of `user`.
pub async fn list(tx: &mut Tx, user: UserId, page: &PageQuery) -> sqlx::Result<Vec<Session>> {
    let now = tx.now();
    page_of!(
        tx,
        page,
        Session,
        r#"
        SELECT id AS "id: SessionId", user_agent, ip_address, created_at, last_used_at, expires_at
        FROM sessions
        WHERE user_id = $3 AND revoked_at IS NULL AND expires_at > $4
        "#,
        "id",
        user as UserId,
        now
    )
}

/// Returns the live session `id` of `user`.
pub async fn find(tx: &mut Tx, user: UserId, id: SessionId) -> sqlx::Result<Option<Session>> {
    let now = tx.now();
    sqlx::query_as!(
        Session,
        r#"
        SELECT id AS "id: SessionId", user_agent, ip_address, created_at, last_used_at, expires_at
        FROM sessions
        WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3
        "#,
        user as UserId,
        id as SessionId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Records that the user of the live session `id` has proved again who they are. Returns `false` if the session does not exist.
pub async fn set_authenticated(tx: &mut Tx, user: UserId, id: SessionId) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE sessions
        SET authenticated_at = $3
        WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3
        "#,
        user as UserId,
        id as SessionId,
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.invalidate(CacheKey::Session(id));
    Ok(result.rows_affected() == 1)
}

/// Revokes the live session `id` of `user`. Returns `false` if it does not exist.
pub async fn revoke(tx: &mut Tx, user: UserId, id: SessionId, reason: &str) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE sessions
        SET revoked_at = $4, revoked_reason = $3
        WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $4
        "#,
        user as UserId,
        id as SessionId,
        reason,
        now,
    )
    .execute(&mut *tx)
    .await?;
    tx.invalidate(CacheKey::Session(id));
    Ok(result.rows_affected() == 1)
}

/// Revokes all live sessions of `user` except `keep`.
pub async fn revoke_all(
    tx: &mut Tx,
    user: UserId,
    keep: Option<SessionId>,
    reason: &str,
) -> sqlx::Result<()> {
    let now = tx.now();
    let revoked = sqlx::query_scalar!(
        r#"
        UPDATE sessions
        SET revoked_at = $4, revoked_reason = $3
        WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $4 AND id IS DISTINCT FROM $2
        RETURNING id AS "id: SessionId"
        "#,
        user as UserId,
        keep as Option<SessionId>,
        reason,
        now,
    )
    .fetch_all(&mut *tx)
    .await?;
    for id in revoked {
        tx.invalidate(CacheKey::Session(id));
    }
    Ok(())
}

/// Revokes the live sessions of all users. Does not invalidate the cache.
pub async fn revoke_of_all_users(
    connection: &mut PgConnection,
    reason: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE sessions SET revoked_at = $2, revoked_reason = $1 WHERE revoked_at IS NULL AND expires_at > $2",
        reason,
        now,
    )
    .execute(connection)
    .await
    .map(drop)
}
