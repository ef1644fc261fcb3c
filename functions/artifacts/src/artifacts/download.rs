//! `POST /v1/organizations/{organizationId}/artifacts/{artifactId}/download`

use std::time::Duration;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::{Actor, Member},
    aws::s3::{Download, Validity},
    domain::{
        audit::Action,
        ingestion::{ArtifactStatus, FailureCode, MediaType, Stage},
        page::Data,
        permission::ReadArtifacts,
    },
    http::extract::{Body, Path},
    store::artifacts::Artifact,
};
use utoipa::ToSchema;

use super::{ArtifactPath, find};
use crate::{ArtifactsState, organization::OrganizationPath, refusals};

/// The lifetime of a link for a download.
const LIFETIME: Duration = Duration::from_mins(5);
/// A browser saves it and does not show it.
const BYTES: &str = "application/octet-stream";

/// What is downloaded.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DownloadForm {
    /// The file that was uploaded.
    File,
    /// The text of the file: JSON lines with `page`, `heading` and `text`, compressed by zstd.
    Text,
}

/// A request for a download.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDownload {
    r#as: DownloadForm,
}

/// A link that downloads something once or more, without other credentials.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArtifactDownload)]
pub struct DownloadView {
    /// The address. It contains a signature: keep it secret.
    #[schema(max_length = 8192)]
    url: String,
    /// The link is valid before this time.
    expires_at: DateTime<Utc>,
}

/// Get a link that downloads the file or the text of an artifact.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}/download", tag = "artifacts",
    operation_id = "download_artifact", request_body = NewDownload,
    params(OrganizationPath, ArtifactPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "A link that is valid for five minutes.", body = Data<DownloadView>),
        (status = 404, description = "`artifact-not-found`"),
        (status = 409, description = "`artifact-not-uploaded` or `text-not-extracted`"),
    ),
)]
pub async fn download(
    State(state): State<ArtifactsState>,
    member: Member<ReadArtifacts>,
    Path(path): Path<ArtifactPath>,
    Body(new): Body<NewDownload>,
) -> Result<Json<Data<DownloadView>>, ApiError> {
    let valid = Validity { from: state.app.clock.now(), lifetime: LIFETIME };
    let url = member.transaction(async |tx| {
        let artifact = find(tx, &member, path.artifact_id).await?;
        require_stored(&artifact, new.r#as)?;
        member.audit(tx, Action::ArtifactDownloaded, artifact.id).await?;
        Ok(sign(&state, &artifact, new.r#as, &valid).await?)
    });
    Ok(Json(Data { data: DownloadView { url: url.await?, expires_at: valid.ends() } }))
}

/// Refuses a download of what is not in storage.
fn require_stored(artifact: &Artifact, form: DownloadForm) -> Result<(), ApiError> {
    let uploaded = match artifact.status {
        ArtifactStatus::Pending | ArtifactStatus::Expired => false,
        ArtifactStatus::Failed => artifact.failure != Some(FailureCode::ContentMissing),
        ArtifactStatus::Processing | ArtifactStatus::Ready => true,
    };
    let extracted = artifact.status == ArtifactStatus::Ready
        || artifact.stage == Some(Stage::Indexing)
        || artifact.chunks_total > 0;
    match form {
        _ if !uploaded => Err(refusals::NOT_UPLOADED.into()),
        DownloadForm::Text if !extracted => Err(refusals::NO_TEXT_YET.into()),
        _ => Ok(()),
    }
}

async fn sign(
    state: &ArtifactsState,
    artifact: &Artifact,
    form: DownloadForm,
    valid: &Validity,
) -> Result<String, shared::error::Unavailable> {
    let text_name = format!("{}.jsonl.zst", artifact.name);
    let (key, file_name, media_type) = match form {
        DownloadForm::File if artifact.media_type == MediaType::PlainText => {
            (artifact.upload().file_key(), &artifact.name, "text/plain; charset=utf-8")
        }
        DownloadForm::File => (artifact.upload().file_key(), &artifact.name, BYTES),
        DownloadForm::Text => (artifact.upload().text_key(), &text_name, BYTES),
    };
    state.bucket.sign_get(&key, &Download { file_name, media_type }, valid).await
}
