//! The registration of a user.

use super::User;
use crate::{
    db::Tx,
    domain::{
        actor::RequestInfo,
        audit::Action,
        ids::{AuditEventId, OrganizationId, UserId},
        input::{Email, Name, Slug},
        permission::Role,
    },
};

/// A user who registers.
pub struct NewUser<'a> {
    pub name: &'a Name,
    pub email: &'a Email,
    /// `None` if the user signs in with an identity provider.
    pub password_hash: Option<&'a str>,
    /// Whether an identity provider vouches that the user reads the address.
    pub email_proved: bool,
    pub request: &'a RequestInfo,
}

/// Inserts a user, the user's personal organization, and the audit event of the registration. Violates `users_email_key` if an
/// account that is not deleted has the address.
pub async fn register(tx: &mut Tx, new: &NewUser<'_>) -> sqlx::Result<User> {
    let (now, organization) = (tx.now(), OrganizationId::new());
    let slug = Slug::of(organization);
    // One statement, because each costs a round trip. Foreign keys are checked at its end, so the order of the rows does not matter.
    users!(
        r#"
        WITH organization AS (
            INSERT INTO organizations (id, name, slug, personal_to, created_at, updated_at)
            VALUES ($6, 'Personal', $7, $1, $5, $5)
        ), owner AS (
            INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
            VALUES ($6, $1, $8, $5, $5)
        ), event AS (
            INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, target_id, ip_address, request_id)
            VALUES ($9, $5, $10, 'success', $1, $1, $11, $12)
        )
        INSERT INTO users (id, name, email, password_hash, email_verified_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, CASE WHEN $13 THEN $5::timestamptz END, $5, $5)
        RETURNING"#,
        "",
        UserId::new() as UserId,
        new.name.as_ref(),
        new.email.as_ref(),
        new.password_hash,
        now,
        organization as OrganizationId,
        slug.as_ref(),
        Role::Owner.as_str(),
        AuditEventId::new() as AuditEventId,
        Action::UserRegistered.as_str(),
        new.request.address.map(|address| address.to_string()),
        new.request.id,
        new.email_proved,
    )
    .fetch_one(tx)
    .await
}
