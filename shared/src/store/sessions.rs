//! The `sessions` table.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::Action,
        factor::Factor,
        ids::{AuditEventId, SessionId, UserId},
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
    /// The proofs of identity.
    pub factors: &'a [Factor],
    /// The sign-in.
    pub request: &'a RequestInfo,
    /// The end of the session if it is not refreshed.
    pub expires_at: DateTime<Utc>,
    /// The end of the session however often it is refreshed.
    pub ends_at: DateTime<Utc>,
}

/// A live session with the hashes that a refused refresh compares.
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

/// Inserts the session of a user who has just signed in, and the audit event of the sign-in.
pub async fn insert(tx: &mut Tx, new: &NewSession<'_>) -> sqlx::Result<Session> {
    let now = tx.now();
    let ip_address = new.request.address.map(|address| address.to_string());
    let factors: Vec<_> = new.factors.iter().map(|factor| factor.as_str().to_owned()).collect();
    // One statement, because each costs a round trip and every sign-in makes both.
    sqlx::query!(
        r#"
        WITH event AS (
            INSERT INTO audit_events
                (id, occurred_at, action, outcome, actor_id, session_id, target_id, ip_address, request_id)
            VALUES ($10, $9, $11, 'success', $2, $1, $1, $6, $12)
        )
        INSERT INTO sessions (id, user_id, refresh_token_hash, rotated_at, transport, user_agent, ip_address,
                              created_at, authenticated_at, last_used_at, expires_at, ends_at, factors)
        VALUES ($1, $2, $3, $9, $4, $5, $6, $9, $9, $9, $7, $8, $13)
        "#,
        new.id as SessionId,
        new.user as UserId,
        new.refresh_token_hash,
        new.transport,
        new.request.user_agent,
        ip_address,
        new.expires_at,
        new.ends_at,
        now,
        AuditEventId::new() as AuditEventId,
        Action::SessionCreated.as_str(),
        new.request.id,
        &factors,
    )
    .execute(tx.deferred())
    .await?;
    Ok(Session {
        id: new.id,
        user_agent: new.request.user_agent.clone(),
        ip_address,
        created_at: now,
        last_used_at: now,
        expires_at: new.expires_at,
    })
}

/// Returns the session `id`, if it is live (neither revoked nor expired) and its user is active (neither deleted nor suspended).
///
/// A session without factors was opened by code that asked for no second one, so it is not live for a user who has one.
pub async fn find_live(tx: &mut Tx, id: SessionId) -> sqlx::Result<Option<LiveSession>> {
    let now = tx.now();
    sqlx::query_as!(
        LiveSession,
        r#"
        SELECT s.user_id AS "user_id: UserId", s.authenticated_at, s.expires_at
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.deleted_at IS NULL
          AND u.suspended_at IS NULL AND (s.factors <> '{}' OR u.second_factor_at IS NULL)
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
          AND u.suspended_at IS NULL AND (s.factors <> '{}' OR u.second_factor_at IS NULL)
        FOR UPDATE OF s
        "#,
        id as SessionId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// A session whose refresh token was replaced.
pub struct Rotated {
    pub user_id: UserId,
    pub expires_at: DateTime<Utc>,
}

/// Replaces the refresh token with the hash `current` by the one with the hash `successor`, if it is the current token of the live
/// session `id` and the user is active. Of concurrent calls with one token, one succeeds. The session then expires at `expires_at`,
/// but never after its end.
pub async fn rotate(
    tx: &mut Tx,
    id: SessionId,
    current: &[u8],
    successor: &[u8],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<Option<Rotated>> {
    let now = tx.now();
    sqlx::query_as!(
        Rotated,
        r#"
        UPDATE sessions s
        SET previous_refresh_token_hash = s.refresh_token_hash, refresh_token_hash = $3, generation = s.generation + 1,
            rotated_at = $5, last_used_at = $5, expires_at = least($4, s.ends_at)
        FROM users u
        WHERE s.id = $1 AND s.refresh_token_hash = $2 AND s.revoked_at IS NULL AND s.expires_at > $5
          AND u.id = s.user_id AND u.deleted_at IS NULL AND u.suspended_at IS NULL
          AND (s.factors <> '{}' OR u.second_factor_at IS NULL)
        RETURNING s.user_id AS "user_id: UserId", s.expires_at
        "#,
        id as SessionId,
        current,
        successor,
        expires_at,
        now,
    )
    .fetch_optional(tx)
    .await
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

/// Checks whether the session `id` was opened with two factors, and its user still has the second one. A passkey counts as two.
pub async fn has_second_factor(tx: &mut Tx, user: UserId, id: SessionId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.id = $1 AND s.user_id = $2
              AND ('passkey' = ANY (s.factors) AND (SELECT true FROM passkeys p WHERE p.user_id = u.id LIMIT 1) IS NOT NULL
                   OR cardinality(s.factors) > 1 AND u.second_factor_at IS NOT NULL)
        ) AS "exists!"
        "#,
        id as SessionId,
        user as UserId,
    )
    .fetch_one(tx)
    .await
}

/// Records that the user of the live session `id` has also proved `factor`. Returns `false` if the session does not exist.
pub async fn add_factor(tx: &mut Tx, user: UserId, id: SessionId, factor: Factor) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE sessions
        SET factors = array_append(array_remove(factors, $3), $3)
        WHERE user_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $4
        "#,
        user as UserId,
        id as SessionId,
        factor.as_str(),
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

/// Revokes all live sessions of `user` except `keep`, and the sign-ins that wait for a second factor.
pub async fn revoke_all(
    tx: &mut Tx,
    user: UserId,
    keep: Option<SessionId>,
    reason: &str,
) -> sqlx::Result<()> {
    let now = tx.now();
    let revoked = sqlx::query_scalar!(
        r#"
        WITH begun AS (
            DELETE FROM sign_in_challenges WHERE user_id = $1
        )
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
