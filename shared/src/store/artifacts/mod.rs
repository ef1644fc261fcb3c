//! The `artifacts` table: what members and API keys do. The steps of processing are in the functions that take them.

mod chunks;
mod deleted;

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    domain::{
        actor::Principal,
        ids::{ApiKeyId, ArtifactId, LabelId, OrganizationId, UserId},
        ingestion::{ArtifactStatus, FailureCode, MediaType, Stage, Upload},
        page::PageQuery,
    },
};

pub use chunks::{Around, find_ordinal, list_chunks};
pub use deleted::{Deleted, delete, delete_unheld};

/// A row of `artifacts` that is not deleted, with its labels.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub id: ArtifactId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub description: Option<String>,
    pub media_type: MediaType,
    pub byte_size: i64,
    pub sha256: Vec<u8>,
    /// The upload that counts.
    pub generation: i32,
    pub status: ArtifactStatus,
    /// The step, while it is processed.
    pub stage: Option<Stage>,
    pub failure: Option<FailureCode>,
    pub failure_detail: Option<String>,
    pub chunks_done: i32,
    pub chunks_total: i32,
    /// The text search configuration of its chunks.
    pub language: Option<String>,
    /// Whether another artifact may have the same content.
    pub duplicate_allowed: bool,
    pub created_by: Option<UserId>,
    pub created_by_key: Option<ApiKeyId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub indexed_at: Option<DateTime<Utc>>,
    pub version: i64,
    /// In the order of their ids.
    pub labels: Vec<LabelId>,
}

impl Artifact {
    /// Returns the upload that counts.
    #[must_use]
    pub fn upload(&self) -> Upload {
        Upload { organization_id: self.organization_id, artifact_id: self.id, generation: self.generation }
    }
}

pub struct NewArtifact<'a> {
    pub id: ArtifactId,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub media_type: MediaType,
    pub byte_size: i64,
    pub sha256: &'a [u8],
    pub duplicate_allowed: bool,
    pub created_by: Principal,
}

/// Builds a query of whole rows, from the SQL before and after the columns. The table has the alias `a`.
macro_rules! artifacts {
    ($before:tt, $after:tt, $($argument:tt)*) => {
        sqlx::query_as!(
            Artifact,
            $before + r#" a.id AS "id: ArtifactId", a.organization_id AS "organization_id: OrganizationId", a.name, a.description,
                          a.media_type AS "media_type: MediaType", a.byte_size, a.sha256, a.generation,
                          a.status AS "status: ArtifactStatus", a.stage AS "stage: Stage", a.failure AS "failure: FailureCode",
                          a.failure_detail, a.chunks_done, a.chunks_total, a.language, a.duplicate_allowed,
                          a.created_by AS "created_by: UserId", a.created_by_key AS "created_by_key: ApiKeyId", a.created_at,
                          a.updated_at, a.indexed_at, a.version,
                          ARRAY(SELECT l.label_id FROM artifact_labels l WHERE l.artifact_id = a.id ORDER BY l.label_id)
                              AS "labels!: Vec<LabelId>" "# + $after,
            $($argument)*
        )
    };
}

/// Inserts an artifact without labels. `None` if the organization has one with the same content.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    new: &NewArtifact<'_>,
) -> sqlx::Result<Option<Artifact>> {
    let now = tx.now();
    artifacts!(
        r#"
        INSERT INTO artifacts AS a
            (id, organization_id, name, description, media_type, byte_size, sha256, duplicate_allowed, created_by,
             created_by_key, progressed_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)
        ON CONFLICT (organization_id, sha256)
            WHERE deleted_at IS NULL AND status IN ('pending', 'processing', 'ready') AND NOT duplicate_allowed
            DO NOTHING
        RETURNING"#,
        "",
        new.id as ArtifactId,
        organization as OrganizationId,
        new.name,
        new.description,
        new.media_type.as_str(),
        new.byte_size,
        new.sha256,
        new.duplicate_allowed,
        new.created_by.user_id() as Option<UserId>,
        new.created_by.api_key_id() as Option<ApiKeyId>,
        now,
    )
    .fetch_optional(tx)
    .await
}

/// Returns the artifact of the organization with this content, which prevents another one. Not a failed or expired one, and not one
/// that was created as a duplicate.
pub async fn find_same_content(
    tx: &mut Tx,
    organization: OrganizationId,
    sha256: &[u8],
) -> sqlx::Result<Option<ArtifactId>> {
    sqlx::query_scalar!(
        r#"
        SELECT id AS "id: ArtifactId"
        FROM artifacts
        WHERE organization_id = $1 AND sha256 = $2 AND deleted_at IS NULL
          AND status IN ('pending', 'processing', 'ready') AND NOT duplicate_allowed
        "#,
        organization as OrganizationId,
        sha256,
    )
    .fetch_optional(tx)
    .await
}

/// Returns the artifact `id` of the organization, unless it is deleted.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ArtifactId,
) -> sqlx::Result<Option<Artifact>> {
    artifacts!(
        "SELECT",
        "FROM artifacts a WHERE a.organization_id = $1 AND a.id = $2 AND a.deleted_at IS NULL",
        organization as OrganizationId,
        id as ArtifactId,
    )
    .fetch_optional(tx)
    .await
}

/// The artifacts that a list shows.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    pub status: Option<ArtifactStatus>,
    pub label: Option<LabelId>,
    pub media_type: Option<MediaType>,
    /// The beginning of the name, in upper or lower case.
    pub name: Option<&'a str>,
}

/// Returns a page of the organization's artifacts that are not deleted.
pub async fn list(
    tx: &mut Tx,
    organization: OrganizationId,
    page: &PageQuery,
    filter: &Filter<'_>,
) -> sqlx::Result<Vec<Artifact>> {
    let (status, media_type) =
        (filter.status.map(ArtifactStatus::as_str), filter.media_type.map(MediaType::as_str));
    page_of!(
        tx,
        page,
        Artifact,
        r#"
        SELECT a.id AS "id: ArtifactId", a.organization_id AS "organization_id: OrganizationId", a.name, a.description,
               a.media_type AS "media_type: MediaType", a.byte_size, a.sha256, a.generation,
               a.status AS "status: ArtifactStatus", a.stage AS "stage: Stage", a.failure AS "failure: FailureCode",
               a.failure_detail, a.chunks_done, a.chunks_total, a.language, a.duplicate_allowed,
               a.created_by AS "created_by: UserId", a.created_by_key AS "created_by_key: ApiKeyId", a.created_at,
               a.updated_at, a.indexed_at, a.version,
               ARRAY(SELECT l.label_id FROM artifact_labels l WHERE l.artifact_id = a.id ORDER BY l.label_id)
                   AS "labels!: Vec<LabelId>"
        FROM artifacts a
        WHERE a.organization_id = $3 AND a.deleted_at IS NULL
          AND ($4::text IS NULL OR a.status = $4)
          AND ($5::uuid IS NULL
               OR EXISTS (SELECT 1 FROM artifact_labels l WHERE l.artifact_id = a.id AND l.label_id = $5))
          AND ($6::text IS NULL OR a.media_type = $6)
          AND ($7::text IS NULL OR starts_with(lower(a.name), lower($7)))
        "#,
        "a.id",
        organization as OrganizationId,
        status as Option<&str>,
        filter.label as Option<LabelId>,
        media_type as Option<&str>,
        filter.name as Option<&str>
    )
}

/// Changes name and description of the artifact, if its version is one of `versions` or `versions` is `None`. `description` is whether
/// to change it, and the new value.
pub async fn update(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ArtifactId,
    name: Option<&str>,
    (describe, description): (bool, Option<&str>),
    versions: Option<&[i64]>,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE artifacts
        SET name = coalesce($4, name), description = CASE WHEN $5 THEN $6 ELSE description END,
            updated_at = $7, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND ($3::bigint[] IS NULL OR version = ANY($3))
        "#,
        organization as OrganizationId,
        id as ArtifactId,
        versions,
        name,
        describe,
        description,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Lets the pending artifact wait for its file as long as a new one: there is another link for the upload.
pub async fn renew_upload(tx: &mut Tx, organization: OrganizationId, id: ArtifactId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        r#"
        UPDATE artifacts
        SET attempts = 0, progressed_at = $3
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND status = 'pending'
        "#,
        organization as OrganizationId,
        id as ArtifactId,
        now,
    )
    .execute(tx.deferred())
    .await
    .map(drop)
}

/// Waits for a new upload of the failed or expired artifact. Returns whether it did.
pub async fn begin_upload(tx: &mut Tx, organization: OrganizationId, id: ArtifactId) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE artifacts
        SET generation = generation + 1, status = 'pending', failure = NULL, failure_detail = NULL, attempts = 0,
            chunks_done = 0, chunks_total = 0, lease_until = NULL, progressed_at = $3, updated_at = $3, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND status IN ('failed', 'expired')
        "#,
        organization as OrganizationId,
        id as ArtifactId,
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Marks the failed artifact as being processed, in `stage`. Returns whether it did.
pub async fn retry(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ArtifactId,
    stage: Stage,
) -> sqlx::Result<bool> {
    let now = tx.now();
    let result = sqlx::query!(
        r#"
        UPDATE artifacts
        SET status = 'processing', stage = $3, failure = NULL, failure_detail = NULL, attempts = 0, lease_until = NULL,
            progressed_at = $4, updated_at = $4, version = version + 1
        WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL AND status = 'failed'
        "#,
        organization as OrganizationId,
        id as ArtifactId,
        stage.as_str(),
        now,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}
