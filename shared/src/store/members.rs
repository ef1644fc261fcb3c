//! The `members` table.

use chrono::{DateTime, Utc};

use super::organizations::Organization;
use crate::{
    db::Tx,
    domain::{
        ids::{OrganizationId, UserId},
        mail_delivery::{Mailbox, StopReason},
        page::{PageQuery, Sort},
        permission::Role,
    },
};

/// A member of an organization, with the user's profile.
#[derive(Debug, Clone)]
pub struct Member {
    /// Also the id of the member.
    pub user_id: UserId,
    pub name: String,
    pub email: String,
    pub image: Option<String>,
    pub role: Role,
    /// The time of joining.
    pub created_at: DateTime<Utc>,
    /// The time of the last change of the role.
    pub updated_at: DateTime<Utc>,
    pub version: i64,
    pub has_second_factor: bool,
}

/// Returns the organization `id` and the role of its member `user`, if the organization is not deleted and the user is active
/// (neither deleted nor suspended).
pub async fn access(
    tx: &mut Tx,
    id: OrganizationId,
    user: UserId,
) -> sqlx::Result<Option<(Organization, Role)>> {
    let row = sqlx::query!(
        r#"
        SELECT o.id AS "id: OrganizationId", o.name, o.slug, o.logo, o.billing_email, o.plan,
               o.personal_to AS "personal_to: UserId", o.created_at, o.updated_at, o.deleted_at, o.version,
               o.second_factor_from, m.role AS "role: Role"
        FROM members m
        JOIN organizations o ON o.id = m.organization_id
        JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = $1 AND m.user_id = $2
          AND o.deleted_at IS NULL AND u.deleted_at IS NULL AND u.suspended_at IS NULL
        "#,
        id as OrganizationId,
        user as UserId,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| {
        let organization = Organization {
            id: row.id,
            name: row.name,
            slug: row.slug,
            logo: row.logo,
            billing_email: row.billing_email,
            plan: row.plan,
            personal_to: row.personal_to,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            version: row.version,
            second_factor_from: row.second_factor_from,
        };
        (organization, row.role)
    }))
}

/// The part of a member that permissions depend on.
pub struct ActiveMember {
    pub role: Role,
    pub has_verified_address: bool,
}

/// Returns the member `user`, if the user is active (neither deleted nor suspended).
pub async fn find_active(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
) -> sqlx::Result<Option<ActiveMember>> {
    sqlx::query_as!(
        ActiveMember,
        r#"
        SELECT m.role AS "role: Role", u.email_verified_at IS NOT NULL AS "has_verified_address!"
        FROM members m JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = $1 AND m.user_id = $2 AND u.deleted_at IS NULL AND u.suspended_at IS NULL
        "#,
        organization as OrganizationId,
        user as UserId,
    )
    .fetch_optional(tx)
    .await
}

/// Inserts a member. Violates `members_pkey` if the user is already a member.
pub async fn insert(tx: &mut Tx, organization: OrganizationId, user: UserId, role: Role) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4)
        "#,
        organization as OrganizationId,
        user as UserId,
        role.as_str(),
        now,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Returns the member `user`, if the user is not deleted.
pub async fn find(tx: &mut Tx, organization: OrganizationId, user: UserId) -> sqlx::Result<Option<Member>> {
    sqlx::query_as!(
        Member,
        r#"
        SELECT m.user_id AS "user_id: UserId", u.name, u.email, u.image, m.role AS "role: Role", m.created_at,
               m.updated_at, m.version, (u.second_factor_at IS NOT NULL OR (SELECT true FROM passkeys p WHERE p.user_id = u.id LIMIT 1) IS NOT NULL)
                   AS "has_second_factor!"
        FROM members m JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = $1 AND m.user_id = $2 AND u.deleted_at IS NULL
        "#,
        organization as OrganizationId,
        user as UserId,
    )
    .fetch_optional(tx)
    .await
}

/// Returns the verified addresses of the owners who are active (neither deleted nor suspended).
pub async fn owner_addresses(tx: &mut Tx, organization: OrganizationId) -> sqlx::Result<Vec<Mailbox>> {
    sqlx::query_as!(
        Mailbox,
        r#"
        SELECT u.email AS address,
               (SELECT s.reason FROM mail_suppressions s WHERE s.address = lower(u.email) AND s.lifted_at IS NULL)
                   AS "stopped: StopReason"
        FROM members m JOIN users u ON u.id = m.user_id
        WHERE m.organization_id = $1 AND m.role = 'owner' AND u.email_verified_at IS NOT NULL AND u.deleted_at IS NULL
          AND u.suspended_at IS NULL
        ORDER BY m.created_at
        "#,
        organization as OrganizationId,
    )
    .fetch_all(tx)
    .await
}

/// Checks whether a member who is not deleted has the address `email`, ignoring case.
pub async fn has_email(tx: &mut Tx, organization: OrganizationId, email: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
            WHERE m.organization_id = $1 AND lower(u.email) = lower($2) AND u.deleted_at IS NULL
        ) AS "exists!"
        "#,
        organization as OrganizationId,
        email,
    )
    .fetch_one(tx)
    .await
}

/// Returns a page of the members who are not deleted, in the order of joining.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    page: &PageQuery,
    role: Option<Role>,
    second_factor: Option<bool>,
) -> sqlx::Result<Vec<Member>> {
    let (at, id) = page.after().map(|position| (position.at, position.id)).unzip();
    // Not `page_of`: a member's id is the user's, so it has the time of the account's creation, not of joining.
    macro_rules! ordered {
        ($order:tt) => {
            sqlx::query_as!(
                Member,
                r#"
                SELECT m.user_id AS "user_id: UserId", u.name, u.email, u.image, m.role AS "role: Role", m.created_at,
                       m.updated_at, m.version, (u.second_factor_at IS NOT NULL OR (SELECT true FROM passkeys p WHERE p.user_id = u.id LIMIT 1) IS NOT NULL)
                   AS "has_second_factor!"
                FROM members m JOIN users u ON u.id = m.user_id
                WHERE m.organization_id = $1 AND u.deleted_at IS NULL AND ($2::text IS NULL OR m.role = $2)
                  AND ($6::boolean IS NULL OR (u.second_factor_at IS NOT NULL OR (SELECT true FROM passkeys p WHERE p.user_id = u.id LIMIT 1) IS NOT NULL) = $6)
                "# + $order,
                organization as OrganizationId,
                role as Option<Role>,
                at,
                id,
                page.rows(),
                second_factor,
            )
            .fetch_all(tx)
            .await
        };
    }
    match page.sort() {
        Sort::NewestFirst => ordered!(
            "AND ($4::uuid IS NULL OR (m.created_at, m.user_id) < ($3::timestamptz, $4)) ORDER BY m.created_at DESC, m.user_id DESC LIMIT $5"
        ),
        Sort::OldestFirst => ordered!(
            "AND ($4::uuid IS NULL OR (m.created_at, m.user_id) > ($3::timestamptz, $4)) ORDER BY m.created_at, m.user_id LIMIT $5"
        ),
    }
}

/// Checks whether the organization has no active owner except `user`. Lock the organization first.
pub async fn is_last_owner(tx: &mut Tx, organization: OrganizationId, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT NOT EXISTS (
            SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
            WHERE m.organization_id = $1 AND m.role = 'owner' AND m.user_id <> $2 AND u.deleted_at IS NULL
              AND u.suspended_at IS NULL
        ) AS "last!"
        "#,
        organization as OrganizationId,
        user as UserId,
    )
    .fetch_one(tx)
    .await
}

/// Updates the role of the member, if its version is one of `versions` or `versions` is `None`.
pub async fn update(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
    role: Role,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Member>> {
    let now = tx.now();
    sqlx::query_as!(
        Member,
        r#"
        UPDATE members m
        SET role = $3, updated_at = $5, version = m.version + 1
        FROM users u
        WHERE m.organization_id = $1 AND m.user_id = $2 AND ($4::bigint[] IS NULL OR m.version = ANY($4)) AND u.id = m.user_id
        RETURNING m.user_id AS "user_id: UserId", u.name, u.email, u.image, m.role AS "role: Role", m.created_at,
                  m.updated_at, m.version, (u.second_factor_at IS NOT NULL OR (SELECT true FROM passkeys p WHERE p.user_id = u.id LIMIT 1) IS NOT NULL)
                   AS "has_second_factor!"
        "#,
        organization as OrganizationId,
        user as UserId,
        role.as_str(),
        versions,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Deletes the member, if its version is one of `versions` or `versions` is `None`. Returns whether it did.
pub async fn delete(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
    versions: Option<&[i64]>,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        r#"
        DELETE FROM members
        WHERE organization_id = $1 AND user_id = $2 AND ($3::bigint[] IS NULL OR version = ANY($3))
        "#,
        organization as OrganizationId,
        user as UserId,
        versions,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
