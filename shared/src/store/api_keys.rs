//! The `api_keys` table.

use chrono::{DateTime, Utc};

use super::organizations::Organization;
use crate::{
    db::Tx,
    domain::{
        ids::{ApiKeyId, OrganizationId, UserId},
        page::PageQuery,
        permission::Permission,
    },
};

/// A row of `api_keys`, without the hashes.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub scopes: Vec<String>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// `None` if the key never expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Accurate to a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The end of the previous secret.
    pub previous_expires_at: Option<DateTime<Utc>>,
    pub version: i64,
}

pub struct NewApiKey<'a> {
    pub id: ApiKeyId,
    pub name: &'a str,
    pub scopes: &'a [String],
    pub secret_hash: &'a [u8],
    pub created_by: Option<UserId>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A valid key, with the hashes of its secrets.
pub struct StoredKey {
    pub organization: Organization,
    pub scopes: Vec<String>,
    pub secret_hash: Vec<u8>,
    /// `None` if there is no previous secret, or if it has expired.
    pub previous_secret_hash: Option<Vec<u8>>,
    pub last_used_at: Option<DateTime<Utc>>,
    /// The requests that an administrator allows it per window; `None` for the default.
    pub rate_limit: Option<i32>,
}

impl StoredKey {
    /// Checks whether one of the key's scopes gives the permission `P`.
    #[must_use]
    pub fn allows<P: Permission>(&self) -> bool {
        P::SCOPE.is_some_and(|scope| self.scopes.iter().any(|granted| granted == scope.as_str()))
    }
}

/// Builds a query of whole rows, from the SQL before and after the columns.
macro_rules! api_keys {
    ($before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            ApiKey,
            $before + r#" id AS "id: ApiKeyId", name, scopes, created_by AS "created_by: UserId", created_at, updated_at,
                          expires_at, last_used_at, previous_expires_at, version "# + $after,
            $($argument)*
        )
    };
}

/// Inserts a key.
pub async fn insert(tx: &mut Tx, organization: OrganizationId, new: &NewApiKey<'_>) -> sqlx::Result<ApiKey> {
    let now = tx.now();
    api_keys!(
        r#"
        INSERT INTO api_keys
            (id, organization_id, name, scopes, secret_hash, created_by, created_at, updated_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
        RETURNING"#,
        "",
        new.id as ApiKeyId,
        organization as OrganizationId,
        new.name,
        new.scopes,
        new.secret_hash,
        new.created_by as Option<UserId>,
        now,
        new.expires_at,
    )
    .fetch_one(tx)
    .await
}

/// Returns the key `id` of the organization, unless it is revoked.
pub async fn find(tx: &mut Tx, organization: OrganizationId, id: ApiKeyId) -> sqlx::Result<Option<ApiKey>> {
    api_keys!(
        "SELECT",
        "FROM api_keys WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL",
        organization as OrganizationId,
        id as ApiKeyId,
    )
    .fetch_optional(tx)
    .await
}

/// Returns a page of the organization's keys that are not revoked.
pub async fn list(tx: &mut Tx, organization: OrganizationId, page: &PageQuery) -> sqlx::Result<Vec<ApiKey>> {
    page_of!(
        tx,
        page,
        ApiKey,
        r#"
        SELECT id AS "id: ApiKeyId", name, scopes, created_by AS "created_by: UserId", created_at, updated_at,
               expires_at, last_used_at, previous_expires_at, version
        FROM api_keys
        WHERE organization_id = $3 AND revoked_at IS NULL
        "#,
        "id",
        organization as OrganizationId
    )
}

/// Returns the key `id` with its organization, if it is valid, its organization exists, and it is not the personal organization of a suspended user.
pub async fn find_valid(tx: &mut Tx, id: ApiKeyId) -> sqlx::Result<Option<StoredKey>> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"
        SELECT k.scopes, k.secret_hash, k.last_used_at, coalesce(k.rate_limit, o.rate_limit) AS rate_limit,
               CASE WHEN k.previous_expires_at > $2 THEN k.previous_secret_hash END AS previous_secret_hash,
               o.id AS "id: OrganizationId", o.name, o.slug, o.logo, o.billing_email, o.plan,
               o.personal_to AS "personal_to: UserId", o.created_at, o.updated_at, o.deleted_at, o.version,
               o.second_factor_from
        FROM api_keys k JOIN organizations o ON o.id = k.organization_id
        WHERE k.id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
          AND o.deleted_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = o.personal_to AND u.suspended_at IS NOT NULL)
        "#,
        id as ApiKeyId,
        now,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| StoredKey {
        organization: Organization {
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
        },
        scopes: row.scopes,
        secret_hash: row.secret_hash,
        previous_secret_hash: row.previous_secret_hash,
        last_used_at: row.last_used_at,
        rate_limit: row.rate_limit,
    }))
}

/// Records the use of the key.
pub async fn record_use(tx: &mut Tx, id: ApiKeyId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("UPDATE api_keys SET last_used_at = $2 WHERE id = $1", id as ApiKeyId, now)
        .execute(tx)
        .await
        .map(drop)
}

/// Updates the name or the scopes of the key, if its version is one of `versions` or `versions` is `None`.
pub async fn update(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ApiKeyId,
    (name, scopes): (Option<&str>, Option<&[String]>),
    versions: Option<&[i64]>,
) -> sqlx::Result<Option<ApiKey>> {
    let now = tx.now();
    api_keys!(
        r#"
        UPDATE api_keys
        SET name = coalesce($4, name), scopes = coalesce($5, scopes), updated_at = $6, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL AND ($3::bigint[] IS NULL OR version = ANY($3))
        RETURNING"#,
        "",
        organization as OrganizationId,
        id as ApiKeyId,
        versions,
        name,
        scopes,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Sets a new secret of the key, if the key is valid. The current secret is accepted until `previous_expires_at`.
pub async fn rotate(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ApiKeyId,
    secret_hash: &[u8],
    previous_expires_at: DateTime<Utc>,
) -> sqlx::Result<Option<ApiKey>> {
    let now = tx.now();
    api_keys!(
        r#"
        UPDATE api_keys
        SET previous_secret_hash = secret_hash, previous_expires_at = $4, secret_hash = $3,
            updated_at = $5, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $5)
        RETURNING"#,
        "",
        organization as OrganizationId,
        id as ApiKeyId,
        secret_hash,
        previous_expires_at,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Revokes the key, if its version is one of `versions` or `versions` is `None`. Returns whether it did.
pub async fn revoke(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ApiKeyId,
    versions: Option<&[i64]>,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE api_keys
        SET revoked_at = $4, updated_at = $4, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL AND ($3::bigint[] IS NULL OR version = ANY($3))
        "#,
        organization as OrganizationId,
        id as ApiKeyId,
        versions,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Sets the requests that the key may make per window; `None` for the limit of its organization. Returns `false` if the
/// organization has no such key.
pub async fn set_rate_limit(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ApiKeyId,
    limit: Option<i32>,
) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE api_keys SET rate_limit = $3 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL",
        organization as OrganizationId,
        id as ApiKeyId,
        limit,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
