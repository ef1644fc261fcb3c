//! An artifact as the API shows it.

use axum::Json;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::Serialize;
use shared::{
    domain::{
        ids::{ApiKeyId, ArtifactId, LabelId, UserId},
        ingestion::{ArtifactStatus, FailureCode, MediaType, Stage},
        page::Data,
    },
    http::etag::ETag,
    store::artifacts::Artifact,
};
use utoipa::ToSchema;

/// A document of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Artifact)]
pub struct ArtifactView {
    id: ArtifactId,
    #[schema(example = "Notes on the Analytical Engine.pdf", min_length = 1, max_length = 255)]
    name: String,
    #[schema(example = "The translator's notes, third edition", min_length = 1, max_length = 2000)]
    description: Option<String>,
    media_type: MediaType,
    /// The size of the file, in bytes.
    #[schema(minimum = 0, maximum = 104_857_600)]
    byte_size: i64,
    /// The SHA-256 of the file, in hexadecimal digits.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    /// The ids of its labels.
    #[schema(max_items = 20)]
    labels: Vec<LabelId>,
    status: ArtifactStatus,
    /// The step, while the status is `processing`.
    stage: Option<Stage>,
    progress: Progress,
    /// The reason, if the status is `failed`.
    failure: Option<Failure>,
    /// The configuration of the keyword search, such as `english`; null until the text is known.
    #[schema(example = "english", max_length = 63)]
    language: Option<String>,
    /// The user who created it; null if an API key did, or if the user is erased.
    created_by: Option<UserId>,
    /// The API key that created it.
    created_by_key: Option<ApiKeyId>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The time since which a search finds it.
    indexed_at: Option<DateTime<Utc>>,
}

/// The progress of the processing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArtifactProgress)]
pub struct Progress {
    /// The pieces that a search finds once all are done.
    #[schema(minimum = 0, maximum = 5000)]
    done: i32,
    /// All pieces; 0 until the text is known.
    #[schema(minimum = 0, maximum = 5000)]
    of: i32,
}

/// The reason why an artifact failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArtifactFailure)]
pub struct Failure {
    code: FailureCode,
    /// A sentence, if there is more to say than the code.
    #[schema(max_length = 1000)]
    detail: Option<String>,
    /// Whether `…/retry` may help: the same file may succeed later.
    retryable: bool,
}

impl From<Artifact> for ArtifactView {
    fn from(row: Artifact) -> Self {
        let detail = row.failure_detail;
        let failure = row.failure.map(|code| Failure { code, detail, retryable: code.is_retryable() });
        Self {
            id: row.id,
            name: row.name,
            description: row.description,
            media_type: row.media_type,
            byte_size: row.byte_size,
            sha256: HEXLOWER.encode(&row.sha256),
            labels: row.labels,
            status: row.status,
            stage: row.stage,
            progress: Progress { done: row.chunks_done, of: row.chunks_total },
            failure,
            language: row.language,
            created_by: row.created_by,
            created_by_key: row.created_by_key,
            created_at: row.created_at,
            updated_at: row.updated_at,
            indexed_at: row.indexed_at,
        }
    }
}

/// An artifact, with its version as `ETag`.
pub type ArtifactResponse = (ETag, Json<Data<ArtifactView>>);

pub fn respond(row: Artifact) -> ArtifactResponse {
    (ETag(row.version), Json(Data { data: row.into() }))
}
