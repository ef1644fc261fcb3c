//! The `organizations` table.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        changes::ChangedFields,
        ids::{OrganizationId, UserId},
        input::{Email, ImageUrl, Name, Slug},
        page::PageQuery,
        patch::Patch,
        permission::Role,
        personal_data::RESTORABLE_PERIOD,
        timestamp::Timestamp,
    },
};

/// A row of `organizations`.
#[derive(Debug, Clone)]
pub struct Organization {
    pub id: OrganizationId,
    pub name: String,
    /// The name in URLs.
    pub slug: String,
    /// The URL of an image.
    pub logo: Option<String>,
    pub billing_email: Option<String>,
    pub plan: String,
    /// The user whose personal organization this is.
    pub personal_to: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub version: i64,
    /// The time since which members need a second factor; `None` if they need none.
    pub second_factor_from: Option<DateTime<Utc>>,
}

impl Organization {
    /// Checks whether members need a second factor at `now`.
    #[must_use]
    pub fn requires_second_factor(&self, now: DateTime<Utc>) -> bool {
        self.second_factor_from.is_some_and(|from| from <= now)
    }

    /// Returns the time before which a deleted organization can be restored.
    #[must_use]
    pub fn restorable_until(&self) -> Option<DateTime<Utc>> {
        self.deleted_at.map(|deleted_at| deleted_at + RESTORABLE_PERIOD)
    }
}

pub struct NewOrganization<'a> {
    pub id: OrganizationId,
    pub name: &'a str,
    pub slug: &'a str,
    pub logo: Option<&'a str>,
    pub billing_email: Option<&'a str>,
}

/// The changes of an organization's profile.
pub struct Changes<'a> {
    pub name: Option<&'a Name>,
    pub slug: Option<&'a Slug>,
    pub logo: &'a Patch<ImageUrl>,
    pub billing_email: &'a Patch<Email>,
    /// The time since which members need a second factor.
    pub second_factor_from: &'a Patch<Timestamp>,
}

impl Changes<'_> {
    /// Returns the names of the fields that change, for the audit log.
    #[must_use]
    pub fn names(&self) -> ChangedFields {
        ChangedFields::default()
            .name("name", self.name.is_some())
            .name("slug", self.slug.is_some())
            .name("logo", self.logo.change().0)
            .name("billingEmail", self.billing_email.change().0)
            .name("secondFactorRequiredFrom", self.second_factor_from.change().0)
    }
}

/// Builds a query of whole rows, from the SQL before and after the columns.
macro_rules! organizations {
    ($before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            Organization,
            $before + r#" id AS "id: OrganizationId", name, slug, logo, billing_email, plan,
                          personal_to AS "personal_to: UserId", created_at, updated_at, deleted_at, version,
                          second_factor_from "# + $after,
            $($argument)*
        )
    };
}

mod deleted;

pub use deleted::{
    count_expired, list_deleted, lock_any, lock_expired, lock_only_of, purge, restore, restore_owned,
};

/// Inserts an organization, and `owner` as its owner. Violates `organizations_slug_key` if the slug is taken.
pub async fn insert(tx: &mut Tx, new: &NewOrganization<'_>, owner: UserId) -> sqlx::Result<Organization> {
    let now = tx.now();
    // One statement, because each costs a round trip. Foreign keys are checked at its end.
    organizations!(
        r#"
        WITH owner AS (
            INSERT INTO members (organization_id, user_id, role, created_at, updated_at)
            VALUES ($1, $7, $8, $6, $6)
        )
        INSERT INTO organizations (id, name, slug, logo, billing_email, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        RETURNING"#,
        "",
        new.id as OrganizationId,
        new.name,
        new.slug,
        new.logo,
        new.billing_email,
        now,
        owner as UserId,
        Role::Owner.as_str(),
    )
    .fetch_one(tx)
    .await
}

/// Loads and locks the organization `id` until the transaction ends, if it is not deleted.
///
/// Every change in an organization takes this lock first, so its members, invitations and keys are changed by one transaction
/// after the other.
pub async fn lock(tx: &mut Tx, id: OrganizationId) -> sqlx::Result<Option<Organization>> {
    organizations!(
        "SELECT",
        "FROM organizations WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        id as OrganizationId,
    )
    .fetch_optional(tx)
    .await
}

/// Counts the organizations that `user` owns, without the personal one. Deleted ones count until they are purged.
pub async fn count_owned(tx: &mut Tx, user: UserId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "count!"
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $1 AND m.role = 'owner' AND o.personal_to IS NULL
        "#,
        user as UserId,
    )
    .fetch_one(tx)
    .await
}

/// Returns a page of the organizations of which `user` is a member, without deleted ones.
pub async fn list(tx: &mut Tx, user: UserId, page: &PageQuery) -> sqlx::Result<Vec<Organization>> {
    page_of!(
        tx,
        page,
        Organization,
        r#"
        SELECT o.id AS "id: OrganizationId", o.name, o.slug, o.logo, o.billing_email, o.plan,
               o.personal_to AS "personal_to: UserId", o.created_at, o.updated_at, o.deleted_at, o.version,
               o.second_factor_from
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $3 AND o.deleted_at IS NULL
        "#,
        "m.organization_id",
        user as UserId
    )
}

/// Updates the profile, if its version is one of `versions` or `versions` is `None`. Violates `organizations_slug_key` if the slug
/// is taken.
pub async fn update(
    tx: &mut Tx,
    id: OrganizationId,
    changes: &Changes<'_>,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Organization>> {
    let now = tx.now();
    let (change_logo, logo) = changes.logo.change();
    let (change_billing_email, billing_email) = changes.billing_email.change();
    let (change_second_factor, second_factor_from) = changes.second_factor_from.change();
    organizations!(
        r#"
        UPDATE organizations
        SET name = coalesce($3, name),
            slug = coalesce($4, slug),
            logo = CASE WHEN $5 THEN $6 ELSE logo END,
            billing_email = CASE WHEN $7 THEN $8 ELSE billing_email END,
            second_factor_from = CASE WHEN $10 THEN $11::timestamptz ELSE second_factor_from END,
            updated_at = $9,
            version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint[] IS NULL OR version = ANY($2))
        RETURNING"#,
        "",
        id as OrganizationId,
        versions,
        changes.name.map(AsRef::as_ref),
        changes.slug.map(AsRef::as_ref),
        change_logo,
        logo.map(AsRef::as_ref),
        change_billing_email,
        billing_email.map(AsRef::as_ref),
        now,
        change_second_factor,
        second_factor_from.map(|from| from.0),
    )
    .fetch_optional(tx)
    .await
}

/// Sets the requests that each API key of the organization may make per window; `None` for the default. Returns `false` if the
/// organization is deleted or does not exist.
pub async fn set_rate_limit(tx: &mut Tx, id: OrganizationId, limit: Option<i32>) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE organizations SET rate_limit = $2 WHERE id = $1 AND deleted_at IS NULL",
        id as OrganizationId,
        limit,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Marks the organization as deleted, if its version is one of `versions` or `versions` is `None`.
pub async fn delete(
    tx: &mut Tx,
    id: OrganizationId,
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<Organization>> {
    let now = tx.now();
    organizations!(
        r#"
        UPDATE organizations
        SET deleted_at = $3, updated_at = $3, version = version + 1
        WHERE id = $1 AND deleted_at IS NULL AND ($2::bigint[] IS NULL OR version = ANY($2))
        RETURNING"#,
        "",
        id as OrganizationId,
        versions,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Locks all organizations that `user` belongs to ([`lock`]), without deleted ones, in the order of the ids.
pub async fn lock_joined(tx: &mut Tx, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        SELECT 1 AS "one!"
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $1 AND o.deleted_at IS NULL
        ORDER BY o.id
        FOR NO KEY UPDATE OF o
        "#,
        user as UserId,
    )
    .fetch_all(tx)
    .await
    .map(drop)
}

/// Locks all organizations in which the erasure of `user` changes a row, in the order of the ids, with deleted ones.
pub async fn lock_for_erasure(tx: &mut Tx, user: UserId, email: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        SELECT 1 AS "one!"
        FROM organizations
        WHERE id IN (
            SELECT organization_id FROM members WHERE user_id = $1
            UNION ALL SELECT organization_id FROM api_keys WHERE created_by = $1
            UNION ALL SELECT organization_id FROM conversations WHERE created_by = $1
            UNION ALL SELECT organization_id FROM invitations WHERE lower(email) = lower($2)
            UNION ALL SELECT id FROM organizations WHERE personal_to = $1
            UNION ALL SELECT id FROM organizations WHERE lower(billing_email) = lower($2)
        )
        ORDER BY id
        FOR NO KEY UPDATE
        "#,
        user as UserId,
        email,
    )
    .fetch_all(tx)
    .await
    .map(drop)
}

/// Returns the organizations that `user` belongs to, without deleted ones, and whether the user is an owner.
pub async fn joined(tx: &mut Tx, user: UserId) -> sqlx::Result<Vec<(OrganizationId, bool)>> {
    let rows = sqlx::query!(
        r#"
        SELECT o.id AS "id: OrganizationId", m.role AS "role: Role"
        FROM members m JOIN organizations o ON o.id = m.organization_id
        WHERE m.user_id = $1 AND o.deleted_at IS NULL
        "#,
        user as UserId,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.role == Role::Owner)).collect())
}

/// Checks whether the organization has other members than `user` who are not deleted.
pub async fn has_others(tx: &mut Tx, id: OrganizationId, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
            WHERE m.organization_id = $1 AND m.user_id <> $2 AND u.deleted_at IS NULL
        ) AS "exists!"
        "#,
        id as OrganizationId,
        user as UserId,
    )
    .fetch_one(tx)
    .await
}
