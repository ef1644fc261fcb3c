//! `POST /v1/organizations/{organizationId}/artifacts/{artifactId}/upload`, and the upload as the API shows it.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::{
    ApiError,
    auth::{Actor, Member},
    aws::s3::{Content, Validity},
    db::Tx,
    domain::{
        audit::Action,
        ingestion::{ArtifactStatus, UPLOAD_LINK_LIFETIME, Upload},
        page::Data,
        permission::WriteArtifacts,
    },
    http::extract::Path,
    store::{self, artifacts::Artifact},
};
use utoipa::ToSchema;

use super::{ArtifactPath, find, require_only_content};
use crate::{ArtifactsState, organization::OrganizationPath, refusals};

/// The request that uploads the file. Storage takes exactly the announced bytes, once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ArtifactUpload)]
pub struct UploadView {
    #[schema(example = "PUT", max_length = 3)]
    method: &'static str,
    /// The address. It contains a signature: keep it secret.
    #[schema(max_length = 4096)]
    url: String,
    /// The headers to send, by name. A browser sends `content-length` by itself.
    #[schema(max_length = 256)]
    headers: BTreeMap<&'static str, String>,
    /// The link is valid before this time.
    expires_at: DateTime<Utc>,
}

/// Signs the request that uploads the file with this content.
pub async fn sign(
    state: &ArtifactsState,
    upload: &Upload,
    content: &Content<'_>,
) -> Result<UploadView, ApiError> {
    let valid = Validity { from: state.app.clock.now(), lifetime: UPLOAD_LINK_LIFETIME };
    let signed = state.bucket.sign_put(&upload.file_key(), content, &valid).await?;
    let headers = signed.headers.into_iter().collect();
    Ok(UploadView { method: "PUT", url: signed.url, headers, expires_at: valid.ends() })
}

/// Get a new link for the upload of a file.
///
/// For an artifact that is `pending`, `failed` or `expired`. The file is the one that was announced when the artifact was created.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}/upload", tag = "artifacts",
    operation_id = "upload_artifact",
    params(OrganizationPath, ArtifactPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The request that uploads the file.", body = Data<UploadView>),
        (status = 403, description = "`address-not-proved`"),
        (status = 404, description = "`artifact-not-found`"),
        (status = 409, description = "`artifact-not-pending` or `same-content-exists`"),
    ),
)]
pub async fn upload(
    State(state): State<ArtifactsState>,
    member: Member<WriteArtifacts>,
    Path(path): Path<ArtifactPath>,
) -> Result<Json<Data<UploadView>>, ApiError> {
    let upload = member.transaction(async |tx| {
        refusals::require_proved_address(&member.lock(tx).await?)?;
        let mut artifact = find(tx, &member, path.artifact_id).await?;
        match artifact.status {
            ArtifactStatus::Pending => {
                store::artifacts::renew_upload(tx, artifact.organization_id, artifact.id).await?;
            }
            ArtifactStatus::Failed | ArtifactStatus::Expired => {
                begin(tx, &member, &artifact).await?;
                artifact = find(tx, &member, path.artifact_id).await?;
            }
            ArtifactStatus::Processing | ArtifactStatus::Ready => return Err(refusals::NOT_PENDING.into()),
        }
        let content = Content {
            media_type: artifact.media_type.as_str(),
            bytes: artifact.byte_size.unsigned_abs(),
            sha256: &artifact.sha256,
        };
        sign(&state, &artifact.upload(), &content).await
    });
    Ok(Json(Data { data: upload.await? }))
}

/// Begins another upload of the artifact. The objects of the last one are not needed any more.
async fn begin(tx: &mut Tx, member: &Member<WriteArtifacts>, artifact: &Artifact) -> Result<(), ApiError> {
    require_only_content(tx, artifact).await?;
    store::artifacts::begin_upload(tx, artifact.organization_id, artifact.id).await?;
    store::object_deletions::insert_upload(tx, artifact.upload()).await?;
    member.audit(tx, Action::ArtifactRetried, artifact.id).await
}
