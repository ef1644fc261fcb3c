//! `DELETE /v1/organizations/{organizationId}/artifacts/{artifactId}`

use axum::http::StatusCode;
use shared::{
    ApiError,
    auth::{Actor, Member, member::Authority},
    db::Tx,
    domain::{
        actor::Principal,
        audit::Action,
        ids::{ArtifactId, OrganizationId},
        permission::{Role, WriteArtifacts},
    },
    http::{
        etag::{IfMatch, STALE},
        extract::Path,
    },
    store::{self, artifacts::Artifact},
};

use super::{ArtifactPath, find};
use crate::{organization::OrganizationPath, refusals};

/// Delete an artifact.
///
/// Its text cannot be found any more, and its files are removed within ten minutes. Members delete the artifacts that they created, admins
/// all, and an API key those that it created.
#[utoipa::path(
    delete, path = "/v1/organizations/{organizationId}/artifacts/{artifactId}", tag = "artifacts",
    operation_id = "delete_artifact",
    params(OrganizationPath, ArtifactPath, IfMatch),
    security(("bearer" = []), ("apiKey" = [])),
    responses(
        (status = 204, description = "The artifact is deleted."),
        (status = 403, description = "`not-own-artifact`"),
        (status = 404, description = "`artifact-not-found`"),
    ),
)]
pub async fn delete(
    member: Member<WriteArtifacts>,
    Path(path): Path<ArtifactPath>,
    IfMatch(versions): IfMatch,
) -> Result<StatusCode, ApiError> {
    let (organization, id) = (member.organization.id, path.artifact_id);
    member
        .transaction(async |tx| {
            let own = member.lock(tx).await?;
            let artifact = find(tx, &member, id).await?;
            require_own(&member.principal, &own, &artifact)?;
            remove(tx, organization, id, versions.as_deref()).await?;
            member.audit(tx, Action::ArtifactDeleted, id).await
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses a member or a key that did not create the artifact. Admins may delete all.
fn require_own(principal: &Principal, own: &Authority, artifact: &Artifact) -> Result<(), ApiError> {
    let created = match principal {
        Principal::User { id, .. } => artifact.created_by == Some(*id),
        Principal::ApiKey(id) => artifact.created_by_key == Some(*id),
    };
    if created || own.role >= Role::Admin { Ok(()) } else { Err(refusals::NOT_OWN.into()) }
}

/// Removes the artifact with its chunks and with its passages in answers, and no longer counts it. `retention` removes its objects.
async fn remove(
    tx: &mut Tx,
    organization: OrganizationId,
    id: ArtifactId,
    versions: Option<&[i64]>,
) -> Result<(), ApiError> {
    let deleted = store::artifacts::delete(tx, organization, id, versions).await?.ok_or(STALE)?;
    let chunks = store::chunks::delete(tx, organization, id).await?;
    store::artifact_labels::delete_all(tx, organization, id).await?;
    store::organization_totals::remove_artifact(tx, organization, deleted.byte_size, chunks).await?;
    store::object_deletions::insert_uploads(tx, deleted.upload).await?;
    Ok(store::message_sources::remove_quotes(tx, organization, id).await?)
}
