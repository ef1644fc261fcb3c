//! The import of users of another system. For `migrate`, which connects as the owner of the database and serves no request.

use sqlx::PgConnection;

use crate::domain::{
    audit::Action,
    ids::{AuditEventId, OrganizationId, UserId},
    input::{Email, ImageUrl, Name, Phone, Slug},
    permission::Role,
};

/// A user of another system.
#[derive(Debug, Clone)]
pub struct ImportedUser {
    pub id: UserId,
    pub name: Name,
    pub email: Email,
    /// The other system has verified the address.
    pub is_verified: bool,
    pub image: Option<ImageUrl>,
    pub phone: Option<Phone>,
    /// The stored form of an imported hash.
    pub password_hash: Option<String>,
    /// The other system refuses sign-ins. The account is suspended for this reason.
    pub suspended_reason: Option<&'static str>,
}

/// Returns which of the `ids` exist, each with whether its user was erased.
pub async fn find_by_ids(connection: &mut PgConnection, ids: &[UserId]) -> sqlx::Result<Vec<(UserId, bool)>> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let found = sqlx::query!(
        r#"SELECT id AS "id: UserId", erased_at IS NOT NULL AS "is_erased!" FROM users WHERE id = ANY($1)"#,
        &ids,
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(|row| (row.id, row.is_erased)).collect())
}

/// Returns which of the `addresses`, in lower case, an account has or had until it was deleted, each with whether that account is deleted.
pub async fn find_by_addresses(
    connection: &mut PgConnection,
    addresses: &[String],
) -> sqlx::Result<Vec<(String, bool)>> {
    let found = sqlx::query!(
        r#"
        SELECT lower(email) AS "email!", bool_and(deleted_at IS NOT NULL) AS "is_deleted!"
        FROM users
        WHERE lower(email) = ANY($1)
        GROUP BY lower(email)
        "#,
        addresses,
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(|row| (row.email, row.is_deleted)).collect())
}

/// Inserts users, the personal organization of each, and an audit event of each, in one statement. Leaves out those whose id or address
/// another account has. Returns the ids of those who were inserted.
pub async fn insert_imported(
    connection: &mut PgConnection,
    users: &[ImportedUser],
    request_id: &str,
) -> sqlx::Result<Vec<UserId>> {
    let column = |of: fn(&ImportedUser) -> Option<&str>| -> Vec<Option<String>> {
        users.iter().map(|user| of(user).map(str::to_owned)).collect()
    };
    let ids: Vec<_> = users.iter().map(|user| user.id.0).collect();
    let names: Vec<_> = users.iter().map(|user| user.name.as_ref().to_owned()).collect();
    let emails: Vec<_> = users.iter().map(|user| user.email.as_ref().to_owned()).collect();
    let verified: Vec<_> = users.iter().map(|user| user.is_verified).collect();
    let organizations: Vec<_> = users.iter().map(|_| OrganizationId::new()).collect();
    let slugs: Vec<_> = organizations.iter().map(|id| Slug::of(*id).as_ref().to_owned()).collect();
    let organizations: Vec<_> = organizations.into_iter().map(|id| id.0).collect();
    let events: Vec<_> = users.iter().map(|_| AuditEventId::new().0).collect();
    let (images, phones) = (
        column(|user| user.image.as_ref().map(AsRef::as_ref)),
        column(|user| user.phone.as_ref().map(AsRef::as_ref)),
    );
    let (hashes, reasons) =
        (column(|user| user.password_hash.as_deref()), column(|user| user.suspended_reason));
    // Foreign keys are checked at the end of the statement. The import is the proof of the address, so it also proves the password.
    sqlx::query_scalar!(
        r#"
        WITH new AS (
            SELECT *
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[],
                        $9::uuid[], $10::text[], $11::uuid[])
                AS n (id, name, email, verified, image, phone, password_hash, suspended_reason, organization_id, slug, event_id)
        ), inserted AS (
            INSERT INTO users (id, name, email, email_verified_at, image, phone, password_hash, password_proved,
                               suspended_at, suspended_reason, created_at, updated_at)
            SELECT id, name, email, CASE WHEN verified THEN now() END, image, phone, password_hash,
                   verified AND password_hash IS NOT NULL, CASE WHEN suspended_reason IS NOT NULL THEN now() END,
                   suspended_reason, now(), now()
            FROM new
            ON CONFLICT DO NOTHING
            RETURNING id
        ), organizations AS (
            INSERT INTO organizations (id, name, slug, personal_to, created_at, updated_at)
            SELECT n.organization_id, 'Personal', n.slug, n.id, now(), now() FROM new n JOIN inserted i ON i.id = n.id
        ), owners AS (
            INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
            SELECT n.organization_id, n.id, $12, now(), now() FROM new n JOIN inserted i ON i.id = n.id
        ), events AS (
            INSERT INTO audit_events (id, occurred_at, action, outcome, target_id, request_id)
            SELECT n.event_id, now(), $13, 'success', n.id, $14 FROM new n JOIN inserted i ON i.id = n.id
        )
        SELECT id AS "id: UserId" FROM inserted
        "#,
        &ids,
        &names,
        &emails,
        &verified,
        &images as &[Option<String>],
        &phones as &[Option<String>],
        &hashes as &[Option<String>],
        &reasons as &[Option<String>],
        &organizations,
        &slugs,
        &events,
        Role::Owner.as_str(),
        Action::UserImported.as_str(),
        request_id,
    )
    .fetch_all(connection)
    .await
}
