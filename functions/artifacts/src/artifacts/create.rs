//! `POST /v1/organizations/{organizationId}/artifacts`

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use shared::{
    ApiError,
    auth::Member,
    aws::s3::Content,
    db::Tx,
    domain::{
        audit::Action,
        ids::{ArtifactId, LabelId},
        ingestion::Upload,
        input::DocumentName,
        page::Data,
        parse::or_default,
        permission::WriteArtifacts,
    },
    http::idempotency::{Create, Created, IdempotencyKey},
    store::{self, artifacts::Artifact},
};
use utoipa::ToSchema;

use super::{
    content::{NewContent, NewFile, Text},
    labels::Labels,
    update::Description,
    upload::{self, UploadView},
    view::ArtifactView,
};
use crate::{ArtifactsState, organization::OrganizationPath, refusals};

/// A new artifact: with its text, or with a file that is uploaded next.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "name": "Notes", "text": "The Analytical Engine weaves algebraic patterns." }))]
pub struct NewArtifact {
    name: DocumentName,
    description: Option<Description>,
    /// The ids of its labels.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(value_type = Vec<LabelId>, max_items = 20)]
    labels: Labels,
    /// The text. It is processed at once.
    text: Option<Text>,
    /// The file, which is uploaded with the request in `upload`.
    file: Option<NewFile>,
    /// Whether to create the artifact although another one has the same content.
    #[serde(default, deserialize_with = "or_default")]
    #[schema(default = false)]
    allow_duplicate: bool,
}

/// A new artifact. With a file, also the request that uploads it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArtifactWithUpload {
    #[serde(flatten)]
    view: ArtifactView,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    upload: Option<UploadView>,
}

/// Create an artifact.
///
/// A text is processed at once; a file, once it is uploaded. If the same response is returned again for an `Idempotency-Key`, its link for
/// the upload may have expired: `…/upload` returns another one.
#[utoipa::path(
    post, path = "/v1/organizations/{organizationId}/artifacts", tag = "artifacts",
    operation_id = "create_artifact", request_body = NewArtifact,
    params(OrganizationPath, IdempotencyKey),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 201, description = "The new artifact.", body = Data<ArtifactWithUpload>),
        (status = 402, description = "`plan-limit-reached`"),
        (status = 403, description = "`address-not-proved`"),
        (status = 409, description = "`same-content-exists`"),
        (
            status = 422,
            description = "`text-or-file-needed`, `file-too-large`, `media-type-not-supported` or `unknown-label`"
        ),
    ),
)]
pub async fn create(
    State(state): State<ArtifactsState>,
    member: Member<WriteArtifacts>,
    Create { new, idempotent }: Create<NewArtifact>,
) -> Result<Response, ApiError> {
    let content = NewContent::read(new.text.as_ref(), new.file.as_ref())?;
    let upload =
        Upload { organization_id: member.organization.id, artifact_id: ArtifactId::new(), generation: 1 };
    let work = async |tx: &mut Tx| {
        refusals::require_proved_address(&member.lock(tx).await?)?;
        let artifact = insert(tx, &state, &member, upload.artifact_id, &new, &content).await?;
        member.audit(tx, Action::ArtifactCreated, artifact.id).await?;
        let version = artifact.version;
        // Last, so that a refused request leaves no object. If the transaction runs again, the object counts as written.
        let upload = store_content(&state, &upload, &content).await?;
        Ok((Created::new(ArtifactWithUpload { view: artifact.into(), upload })?.version(version), ()))
    };
    let (response, _) = idempotent.run(&member, &state.app.sealer, work).await?;
    Ok(response)
}

/// Inserts the artifact with its labels, and counts it. Refuses one that the plan does not allow, and one with the same content as
/// another.
async fn insert(
    tx: &mut Tx,
    state: &ArtifactsState,
    member: &Member<WriteArtifacts>,
    id: ArtifactId,
    new: &NewArtifact,
    content: &NewContent<'_>,
) -> Result<Artifact, ApiError> {
    let organization = member.organization.id;
    let row = store::artifacts::NewArtifact {
        id,
        name: new.name.as_ref(),
        description: new.description.as_ref().map(AsRef::as_ref),
        media_type: content.media_type,
        byte_size: content.byte_size(),
        sha256: &content.sha256,
        duplicate_allowed: new.allow_duplicate,
        created_by: member.principal,
    };
    let Some(mut artifact) = store::artifacts::insert(tx, organization, &row).await? else {
        let other = store::artifacts::find_same_content(tx, organization, &content.sha256).await?;
        return Err(refusals::SAME_CONTENT.with_artifact(other.unwrap_or(id)));
    };
    artifact.labels = new.labels.insert(tx, organization, id).await?;
    let limit = state.limits().storage_bytes;
    if !store::organization_totals::add_artifact(tx, organization, row.byte_size, limit).await? {
        let used = store::organization_totals::find(tx, organization).await?.bytes;
        return Err(refusals::STORAGE_FULL.with_usage(limit, used));
    }
    Ok(artifact)
}

/// Writes the text into storage, where its event begins the processing; or signs the request that uploads the file.
async fn store_content(
    state: &ArtifactsState,
    upload: &Upload,
    content: &NewContent<'_>,
) -> Result<Option<UploadView>, ApiError> {
    let media_type = content.media_type.as_str();
    let stored = Content { media_type, bytes: content.bytes, sha256: &content.sha256 };
    let Some(text) = content.text else {
        return upload::sign(state, upload, &stored).await.map(Some);
    };
    let stored = Content { media_type: "text/plain; charset=utf-8", ..stored };
    state.bucket.put_content(&upload.file_key(), text.as_bytes().to_vec(), &stored).await?;
    Ok(None)
}
