//! The `verification_tokens` table: tokens and codes that are mailed to a user and used once.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use crate::{
    db::Tx,
    domain::ids::{UserId, VerificationTokenId},
    text_enum,
};

text_enum!(
    /// The purpose of a token. It is invalid for every other purpose.
    Purpose {
        /// Verifies the address of an account.
        VerifyEmail = "verify_email",
        /// Sets a new password without the old one.
        ResetPassword = "reset_password",
        /// Verifies the new address of an account.
        ChangeEmail = "change_email",
        /// Signs in.
        MagicLink = "magic_link",
        /// Moves an account back to the address to which it is mailed.
        UndoEmailChange = "undo_email_change",
        /// Says that a sign-in was another person's, and takes the account back.
        RejectSignIn = "reject_sign_in",
        /// Adds an identity to an account.
        LinkIdentity = "link_identity",
    }
);

impl Purpose {
    /// The purposes of mails that a person requests. A change of the account withdraws them. It does not withdraw an
    /// [`Self::UndoEmailChange`] or a [`Self::RejectSignIn`]: a thief who changes the account must not take them away from its owner.
    pub const REQUESTED: &[Self] =
        &[Self::VerifyEmail, Self::ResetPassword, Self::ChangeEmail, Self::MagicLink, Self::LinkIdentity];

    /// Returns the time in which a token can be used. Its mail says it too.
    #[must_use]
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => TimeDelta::hours(24),
            Self::ResetPassword | Self::LinkIdentity => TimeDelta::hours(1),
            Self::MagicLink => TimeDelta::minutes(15),
            Self::UndoEmailChange | Self::RejectSignIn => TimeDelta::days(7),
        }
    }
}

pub struct NewToken<'a> {
    pub purpose: Purpose,
    pub user: UserId,
    /// The address to which it is mailed.
    pub email: &'a str,
    pub token_hash: &'a [u8],
    /// The keyed hash of the code in the same mail.
    pub code_hash: Option<&'a [u8]>,
}

/// A token that has just been used.
pub struct Consumed {
    pub id: VerificationTokenId,
    pub user_id: UserId,
    /// The address to which it was mailed.
    pub email: String,
}

/// A valid token with a code, after an attempt was counted.
pub struct Guessed {
    pub id: VerificationTokenId,
    /// The keyed hash of the code.
    pub code_hash: Option<Vec<u8>>,
}

/// Inserts a token.
pub async fn insert(tx: &mut Tx, new: &NewToken<'_>) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        INSERT INTO verification_tokens (id, purpose, user_id, email, token_hash, code_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        VerificationTokenId::new() as VerificationTokenId,
        new.purpose.as_str(),
        new.user as UserId,
        new.email,
        new.token_hash,
        new.code_hash,
        now,
        now + new.purpose.lifetime(),
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Does the same as [`insert`]. The statement is sent with the next one or with COMMIT.
pub async fn insert_deferred(tx: &mut Tx, new: &NewToken<'_>) -> sqlx::Result<()> {
    insert(tx.deferred(), new).await
}

/// Returns the id of the token's user, if the token is valid. Lock the user before [`consume`].
pub async fn owner(tx: &mut Tx, purpose: Purpose, token_hash: &[u8]) -> sqlx::Result<Option<UserId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"
        SELECT user_id AS "user_id: UserId"
        FROM verification_tokens
        WHERE purpose = $1 AND token_hash = $2 AND consumed_at IS NULL AND expires_at > $3
        "#,
        purpose.as_str(),
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Invalidates the codes mailed to `user`. The links in the same mails stay valid.
pub async fn invalidate_codes(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE verification_tokens
        SET code_hash = NULL
        WHERE user_id = $1 AND purpose = 'magic_link' AND consumed_at IS NULL AND code_hash IS NOT NULL
        "#,
        user as UserId,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Marks a valid token as used. Of concurrent calls, one succeeds.
pub async fn consume(tx: &mut Tx, purpose: Purpose, token_hash: &[u8]) -> sqlx::Result<Option<Consumed>> {
    let now = tx.now();
    sqlx::query_as!(
        Consumed,
        r#"
        UPDATE verification_tokens
        SET consumed_at = $3
        WHERE purpose = $1 AND token_hash = $2 AND consumed_at IS NULL AND expires_at > $3
        RETURNING id AS "id: VerificationTokenId", user_id AS "user_id: UserId", email
        "#,
        purpose.as_str(),
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// [`consume`], and invalidates all other tokens of the same user for `others`. Invalidates none if the token is not valid.
pub async fn consume_and_withdraw(
    tx: &mut Tx,
    purpose: Purpose,
    token_hash: &[u8],
    others: &[Purpose],
) -> sqlx::Result<Option<Consumed>> {
    let now = tx.now();
    let others: Vec<_> = others.iter().map(|purpose| purpose.as_str().to_owned()).collect();
    // `id <> used.id`: a statement cannot change a row twice.
    sqlx::query_as!(
        Consumed,
        r#"
        WITH used AS (
            UPDATE verification_tokens
            SET consumed_at = $3
            WHERE purpose = $1 AND token_hash = $2 AND consumed_at IS NULL AND expires_at > $3
            RETURNING id, user_id, email
        ), withdrawn AS (
            UPDATE verification_tokens t
            SET consumed_at = $3
            FROM used
            WHERE t.user_id = used.user_id AND t.id <> used.id AND t.purpose = ANY ($4) AND t.consumed_at IS NULL
        )
        SELECT id AS "id!: VerificationTokenId", user_id AS "user_id!: UserId", email AS "email!" FROM used
        "#,
        purpose.as_str(),
        token_hash,
        now,
        &others,
    )
    .fetch_optional(tx)
    .await
}

/// Counts an attempt at the codes mailed to `user`, who is locked. Returns the valid tokens with less than `max` attempts before this one; the
/// code may be compared only with theirs.
pub async fn guess(tx: &mut Tx, user: UserId, max: i32) -> sqlx::Result<Vec<Guessed>> {
    let now = tx.now();
    sqlx::query_as!(
        Guessed,
        r#"
        UPDATE verification_tokens
        SET code_attempts = code_attempts + 1
        WHERE user_id = $1 AND purpose = 'magic_link' AND consumed_at IS NULL AND expires_at > $3
          AND code_attempts < $2
        RETURNING id AS "id: VerificationTokenId", code_hash
        "#,
        user as UserId,
        max,
        now,
    )
    .fetch_all(tx)
    .await
}

/// Marks the token `id` as used. This transaction has locked it in [`guess`].
pub async fn consume_guessed(tx: &mut Tx, id: VerificationTokenId) -> sqlx::Result<Option<Consumed>> {
    let now = tx.now();
    sqlx::query_as!(
        Consumed,
        r#"
        UPDATE verification_tokens
        SET consumed_at = $2
        WHERE id = $1 AND consumed_at IS NULL
        RETURNING id AS "id: VerificationTokenId", user_id AS "user_id: UserId", email
        "#,
        id as VerificationTokenId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Marks a token that was used, withdrawn or has expired as presented again, and returns its user. `None` if it was marked before,
/// is valid, or does not exist.
pub async fn mark_refused(tx: &mut Tx, purpose: Purpose, token_hash: &[u8]) -> sqlx::Result<Option<UserId>> {
    let now = tx.now();
    sqlx::query_scalar!(
        r#"
        UPDATE verification_tokens
        SET refused_at = $3
        WHERE purpose = $1 AND token_hash = $2 AND refused_at IS NULL AND (consumed_at IS NOT NULL OR expires_at <= $3)
        RETURNING user_id AS "user_id: UserId"
        "#,
        purpose.as_str(),
        token_hash,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Invalidates all tokens of `user` for these purposes.
pub async fn withdraw(tx: &mut Tx, user: UserId, purposes: &[Purpose]) -> sqlx::Result<()> {
    let now = tx.now();
    let purposes: Vec<_> = purposes.iter().map(|purpose| purpose.as_str().to_owned()).collect();
    sqlx::query!(
        r#"
        UPDATE verification_tokens
        SET consumed_at = $3
        WHERE user_id = $1 AND purpose = ANY ($2) AND consumed_at IS NULL
        "#,
        user as UserId,
        &purposes,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Invalidates the tokens that take the account back and were created after `used`, which took it back; and those about earlier
/// sign-ins that were mailed to the same address.
///
/// Other earlier ones stay: they lead to an address that the account had before.
pub async fn withdraw_later_ways_back(tx: &mut Tx, used: &Consumed) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE verification_tokens
        SET consumed_at = $4
        WHERE user_id = $1 AND purpose IN ('undo_email_change', 'reject_sign_in') AND consumed_at IS NULL
          AND ((created_at, id) > (SELECT created_at, id FROM verification_tokens WHERE id = $2)
               OR (purpose = 'reject_sign_in' AND email = $3))
        "#,
        used.user_id as UserId,
        used.id as VerificationTokenId,
        used.email,
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Invalidates the tokens of `user` about sign-ins that were mailed to `email`. The statement is sent with the next one or with COMMIT.
pub async fn withdraw_rejections(tx: &mut Tx, user: UserId, email: &str) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE verification_tokens
        SET consumed_at = $3
        WHERE user_id = $1 AND purpose = 'reject_sign_in' AND email = $2 AND consumed_at IS NULL
        "#,
        user as UserId,
        email,
        now,
    )
    .execute(tx.deferred())
    .await
    .map(drop)
}

/// Invalidates the tokens of all users.
pub async fn withdraw_of_all_users(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE verification_tokens SET consumed_at = $1 WHERE consumed_at IS NULL", now)
        .execute(connection)
        .await
        .map(drop)
}
