//! Statements for system administrators.

use sqlx::PgConnection;

use super::User;
use crate::{
    cache::invalidation::CacheKey,
    db::Tx,
    domain::{
        audit::Action,
        ids::{AuditEventId, UserId},
        page::PageQuery,
    },
    text_enum,
};

text_enum!(
    /// The state of an account. Only an active user can sign in.
    UserStatus {
        Active = "active",
        /// Suspended by an administrator.
        Suspended = "suspended",
        /// Deleted, not erased yet.
        Deleted = "deleted",
        /// Deleted, and every personal column overwritten.
        Erased = "erased",
    }
);

/// Loads and locks two users, or one, deleted or not, until the transaction ends.
///
/// Locks in the order of the ids, so that two administrators who change each other do not deadlock.
pub async fn lock_pair(tx: &mut Tx, administrator: UserId, other: UserId) -> sqlx::Result<Vec<User>> {
    users!(
        "SELECT",
        "FROM users WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE",
        administrator as UserId,
        other as UserId,
    )
    .fetch_all(tx)
    .await
}

/// Returns a page of all users, with deleted ones.
pub async fn list(
    tx: &mut Tx,
    page: &PageQuery,
    email: Option<&str>,
    status: Option<UserStatus>,
) -> sqlx::Result<Vec<User>> {
    page_of!(
        tx,
        page,
        User,
        r#"
        SELECT id AS "id: UserId", name, email, email_verified_at, image, phone, created_at, updated_at,
               system_administrator, suspended_at, suspended_reason, legal_hold_at, legal_hold_reason,
               deleted_at, erased_at, version, second_factor_at,
               (SELECT s.reason FROM mail_suppressions s WHERE s.address = lower(users.email) AND s.lifted_at IS NULL)
                   AS "mail_stopped: crate::domain::mail_delivery::StopReason",
               (SELECT s.since FROM mail_suppressions s WHERE s.address = lower(users.email) AND s.lifted_at IS NULL)
                   AS mail_stopped_since,
               devices_forgotten_at
        FROM users
        WHERE ($3::text IS NULL OR lower(email) = lower($3))
          AND ($4::text IS NULL OR $4 = CASE WHEN erased_at IS NOT NULL THEN 'erased'
                                             WHEN deleted_at IS NOT NULL THEN 'deleted'
                                             WHEN suspended_at IS NOT NULL THEN 'suspended'
                                             ELSE 'active' END)
        "#,
        "id",
        email,
        status as Option<UserStatus>
    )
}

/// Makes the user with the verified address `email` a system administrator, and writes the audit event in the same statement. For
/// `migrate`, which connects as the owner of the database and serves no request.
pub async fn appoint(connection: &mut PgConnection, email: &str) -> sqlx::Result<Option<UserId>> {
    sqlx::query_scalar!(
        r#"
        WITH before AS (
            SELECT id, system_administrator FROM users
            WHERE lower(email) = lower($1) AND deleted_at IS NULL AND email_verified_at IS NOT NULL
            FOR NO KEY UPDATE
        ), appointed AS (
            UPDATE users
            SET system_administrator = true, updated_at = now(), version = version + 1
            FROM before
            WHERE users.id = before.id
            RETURNING users.id, before.system_administrator
        )
        INSERT INTO audit_events (id, occurred_at, action, outcome, target_id, changes, request_id)
        SELECT $2, now(), $3, 'success', id,
               CASE WHEN NOT system_administrator THEN '{"systemAdministrator": {"from": false, "to": true}}'::jsonb END,
               'migrate'
        FROM appointed
        RETURNING target_id AS "target_id!: UserId"
        "#,
        email,
        AuditEventId::new() as AuditEventId,
        Action::UserAppointed.as_str(),
    )
    .fetch_optional(connection)
    .await
}

/// Appoints the user as a system administrator, or dismisses the user. `None` if the user is deleted.
pub async fn set_system_administrator(
    tx: &mut Tx,
    id: UserId,
    administrator: bool,
) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET system_administrator = $2, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        administrator,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Suspends the user. `None` if the user is deleted.
pub async fn suspend(tx: &mut Tx, id: UserId, reason: &str) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET suspended_at = $3, suspended_reason = $2, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        reason,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Undoes the deletion of the user; a suspension stays. `None` if the user is not deleted, or erased. Violates `users_email_key` if
/// another account that is not deleted has the address.
pub async fn undelete(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET deleted_at = NULL, restored_at = $2, updated_at = $2, version = version + 1
        WHERE id = $1 AND deleted_at IS NOT NULL AND erased_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Lifts the suspension of the user. `None` if the user is deleted or not suspended.
pub async fn unsuspend(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET suspended_at = NULL, suspended_reason = NULL, restored_at = $2, updated_at = $2, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND suspended_at IS NOT NULL
        RETURNING"#,
        "",
        id as UserId,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Removes the password of a user who is not deleted. With `email`, moves the account to that address, which is then not verified:
/// the owner has as long to verify it as after a restore. Violates `users_email_key` if another account that is not deleted has it.
pub async fn recover(tx: &mut Tx, id: UserId, email: Option<&str>) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET password_hash = NULL, password_proved = false, devices_forgotten_at = $3, email = coalesce($2, email),
            email_verified_at = CASE WHEN $2::text IS NULL THEN email_verified_at END,
            restored_at = $3, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        email,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Places a legal hold on the user, which forbids erasure. Without `reason`, lifts the hold. `None` if the user is erased.
pub async fn set_legal_hold(tx: &mut Tx, id: UserId, reason: Option<&str>) -> sqlx::Result<Option<User>> {
    let now = tx.now();
    tx.invalidate(CacheKey::Profile(id));
    users!(
        r#"
        UPDATE users
        SET legal_hold_at = CASE WHEN $2::text IS NULL THEN NULL ELSE $3::timestamptz END, legal_hold_reason = $2,
            updated_at = $3, version = version + 1
        WHERE id = $1 AND erased_at IS NULL
        RETURNING"#,
        "",
        id as UserId,
        reason,
        now,
    )
    .fetch_optional(tx)
    .await
}
