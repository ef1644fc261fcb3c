//! The `sign_in_challenges` table: sign-ins that wait for the second factor.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::{
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::Action,
        factor::Factor,
        ids::{AuditEventId, SignInChallengeId, UserId},
    },
};

/// The time in which the second factor must be given.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// The number of guesses at the second factor.
const MAX_GUESSES: i32 = 5;

pub struct NewChallenge<'a> {
    pub user: UserId,
    pub token_hash: &'a [u8],
    /// The factor with which the sign-in began.
    pub first_factor: Factor,
    pub request: &'a RequestInfo,
}

/// A challenge that was inserted.
pub struct Inserted {
    pub expires_at: DateTime<Utc>,
    /// Whether the user has recovery codes.
    pub has_recovery_codes: bool,
    /// Whether the user has a passkey.
    pub has_passkey: bool,
}

/// The user of a challenge.
pub struct Challenged {
    pub user_id: UserId,
    pub email: String,
    /// The time since which the user has a second factor.
    pub second_factor_at: Option<DateTime<Utc>>,
}

/// A challenge after a guess was counted.
pub struct Guessed {
    pub id: SignInChallengeId,
    pub first_factor: Factor,
}

/// Inserts a challenge, and the audit event of the first step.
pub async fn insert(tx: &mut Tx, new: &NewChallenge<'_>) -> sqlx::Result<Inserted> {
    let now = tx.now();
    let expires_at = now + LIFETIME;
    // One statement, because each costs a round trip.
    let has = sqlx::query!(
        r#"
        WITH event AS (
            INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, target_id, ip_address, request_id)
            VALUES ($7, $5, $8, 'success', $2, $2, $9, $10)
        )
        INSERT INTO sign_in_challenges (id, user_id, token_hash, first_factor, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING EXISTS (SELECT 1 FROM recovery_codes WHERE user_id = $2) AS "recovery_codes!",
                  EXISTS (SELECT 1 FROM passkeys WHERE user_id = $2) AS "passkey!"
        "#,
        SignInChallengeId::new() as SignInChallengeId,
        new.user as UserId,
        new.token_hash,
        new.first_factor.as_str(),
        now,
        expires_at,
        AuditEventId::new() as AuditEventId,
        Action::SessionChallenged.as_str(),
        new.request.address.map(|address| address.to_string()),
        new.request.id,
    )
    .fetch_one(tx)
    .await?;
    Ok(Inserted { expires_at, has_recovery_codes: has.recovery_codes, has_passkey: has.passkey })
}

/// Returns the user of the challenge, if it is open: not used, not expired, and with guesses left. Lock the user before [`guess`].
pub async fn find(tx: &mut Tx, token_hash: &[u8]) -> sqlx::Result<Option<Challenged>> {
    let now = tx.now();
    sqlx::query_as!(
        Challenged,
        r#"
        SELECT c.user_id AS "user_id: UserId", u.email, u.second_factor_at
        FROM sign_in_challenges c JOIN users u ON u.id = c.user_id
        WHERE c.token_hash = $1 AND c.expires_at > $2 AND c.guesses < $3
        "#,
        token_hash,
        now,
        MAX_GUESSES,
    )
    .fetch_optional(tx)
    .await
}

/// Counts a guess at the challenge of `user`, who is locked. `None` if it is not open any more.
pub async fn guess(tx: &mut Tx, user: UserId, token_hash: &[u8]) -> sqlx::Result<Option<Guessed>> {
    let now = tx.now();
    sqlx::query_as!(
        Guessed,
        r#"
        UPDATE sign_in_challenges
        SET guesses = guesses + 1
        WHERE user_id = $1 AND token_hash = $2 AND expires_at > $3 AND guesses < $4
        RETURNING id AS "id: SignInChallengeId", first_factor AS "first_factor: Factor"
        "#,
        user as UserId,
        token_hash,
        now,
        MAX_GUESSES,
    )
    .fetch_optional(tx)
    .await
}

/// Deletes the challenge `id`, which this transaction has locked in [`guess`].
pub async fn delete(tx: &mut Tx, id: SignInChallengeId) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sign_in_challenges WHERE id = $1", id as SignInChallengeId)
        .execute(tx)
        .await
        .map(drop)
}

/// Ends the challenges of all users.
pub async fn end_of_all_users(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE sign_in_challenges SET expires_at = $1 WHERE expires_at > $1", now)
        .execute(connection)
        .await
        .map(drop)
}
