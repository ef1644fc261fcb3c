//! `GET /v1/organizations/{organizationId}/artifacts/{artifactId}`

use shared::{
    ApiError,
    auth::{Actor, Member},
    domain::{page::Data, permission::ReadArtifacts},
    http::extract::Path,
};

use super::{
    ArtifactPath, find,
    view::{ArtifactResponse, ArtifactView, respond},
};
use crate::organization::OrganizationPath;

/// Show an artifact, with its progress.
#[utoipa::path(
    get, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}", tag = "artifacts",
    operation_id = "show_artifact", params(OrganizationPath, ArtifactPath),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 200, description = "The artifact.", body = Data<ArtifactView>),
        (status = 404, description = "`artifact-not-found`"),
    ),
)]
pub async fn show(
    member: Member<ReadArtifacts>,
    Path(path): Path<ArtifactPath>,
) -> Result<ArtifactResponse, ApiError> {
    let found = member.read(async |tx| find(tx, &member, path.artifact_id).await);
    Ok(respond(found.await?))
}
